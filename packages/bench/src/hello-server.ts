/** The baseline: what Express costs before it does anything. A process of its own; its port is its argument. */
import express from "express";

const app = express();
app.use(express.json());
app.post("/hello", (_req, res) => void res.json({ hello: "world" }));
app.listen(Number(process.argv[2]), "127.0.0.1", () => process.stdout.write("ready\n"));
