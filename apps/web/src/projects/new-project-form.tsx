import { Form, TitleField, WebAddressField } from "../page/form.js";
import type { ProjectList } from "./project-list.js";

interface NewProjectFormProps {
  list: ProjectList;
  onAdded?: () => void;
  onCancel?: () => void;
}

export function NewProjectForm({ list, onAdded, onCancel }: NewProjectFormProps) {
  const add = async (field: (name: string) => string) => {
    const [title, url] = [field("title"), field("url")];
    await list.add(url === "" ? { title } : { title, url });
    onAdded?.();
  };
  return (
    <Form submit="Add project" busy="Adding…" onSubmit={add} onCancel={onCancel}>
      <TitleField label="Title" />
      <WebAddressField />
    </Form>
  );
}
