import { expect, test } from "@jest/globals";
import { RequestError } from "./request.js";

test("the message is the title, or the detail where the title only names the status", () => {
  const plain = { type: "about:blank", title: "Unprocessable Entity", detail: "A launch takes up-votes only." };
  expect(new RequestError(422, plain).message).toBe("A launch takes up-votes only.");
  const own = { type: "urn:example:too-many", title: "Please wait a moment.", detail: "At most 5 in 10 seconds." };
  expect(new RequestError(429, own).message).toBe("Please wait a moment.");
  expect(new RequestError(404, { title: "Not Found" }).message).toBe("Not Found");
  expect(new RequestError(502, {}).message).toBe("The server answered 502");
});

test("where no answer came, the message says so, and the detail what to do", () => {
  const error = new RequestError(null, { title: "No answer from the server", detail: "Try again in a moment." });
  expect(error).toMatchObject({ message: "No answer from the server", detail: "Try again in a moment." });
});
