import { expect, test } from "@jest/globals";
import { webLink } from "./web-link.js";

test("only addresses of the web become links", () => {
  expect(webLink("https://example.com/a?b=c")?.host).toBe("example.com");
  expect(webLink("http://localhost:8080")?.host).toBe("localhost:8080");
  for (const url of [null, "", "example.com", "javascript:alert(1)", " JavaScript:alert(1)", "data:text/html,x"]) {
    expect(webLink(url)).toBeNull();
  }
});
