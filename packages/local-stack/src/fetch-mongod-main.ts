/**
 * Downloads a real mongod with mongodb-memory-server-core and prints where it is. A program of its own, because that
 * library's download cannot be cancelled: whoever runs this one can end it.
 */
import { MongoBinary } from "mongodb-memory-server-core";

const downloadDir = process.argv[2];
if (downloadDir === undefined) throw new Error("usage: fetch-mongod-main <folder>");
console.log(await MongoBinary.getPath({ downloadDir }));
