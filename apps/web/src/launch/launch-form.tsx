import { Form, TitleField } from "../page/form.js";
import type { NewLaunchApp } from "./launch-api.js";
import type { LaunchDays } from "./launch-days.js";

interface LaunchFormProps {
  launch: LaunchDays;
  /** The day that is shown: today, or a later one. */
  date: string;
  onLaunched: (app: NewLaunchApp) => void;
  onCancel: () => void;
}

export function LaunchForm({ launch, date, onLaunched, onCancel }: LaunchFormProps) {
  const register = async (field: (name: string) => string) => {
    const app = { name: field("name"), launchDate: field("date") };
    await launch.register(app);
    onLaunched(app);
  };
  return (
    <Form submit="Launch" busy="Launching…" onSubmit={register} onCancel={onCancel}>
      <TitleField label="Name" name="name" />
      <label className="field">
        Day
        <input name="date" type="date" required defaultValue={date} />
      </label>
    </Form>
  );
}
