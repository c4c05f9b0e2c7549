import { useVoteClient } from "@votesync/client/react";
import { Form, TitleField, WebAddressField } from "../page/form.js";

/** Everybody hears of the new one over the socket, this page too. */
export function AddSong({ jamId }: { jamId: string }) {
  const client = useVoteClient();
  const add = async (field: (name: string) => string) => {
    const body = { jamId, title: field("title"), url: field("url") };
    await client.request("/api/streams", { method: "POST", body });
  };
  return (
    <section className="panel jam-add" aria-labelledby="add-title">
      <h2 id="add-title">Add a song</h2>
      <Form submit="Add to the queue" busy="Adding…" onSubmit={add}>
        <TitleField label="Title" />
        <WebAddressField required />
      </Form>
    </section>
  );
}
