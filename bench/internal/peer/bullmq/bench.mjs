// The BullMQ contender: `node bench.mjs worker|feeder PORT DB`, told what to do and
// telling what it did by lines of JSON.
import { createInterface } from "node:readline";
import { Queue, Worker } from "bullmq";

const [role, port, db] = process.argv.slice(2);
const connection = { host: "127.0.0.1", port: Number(port), db: Number(db), maxRetriesPerRequest: null };
const now = () => performance.timeOrigin + performance.now(); // milliseconds since 1970
const tell = (what) => process.stdout.write(JSON.stringify(what) + "\n");

if (role === "worker") {
  let ran = 0;
  let waits = [];
  const worker = new Worker("bench", async (job) => {
    if (job.data.at) waits.push(now() - job.data.at);
  }, { connection, concurrency: 200 });
  worker.on("completed", () => { ran++; });
  setInterval(() => {
    if (ran === 0) return;
    tell({ ran, waits });
    ran = 0;
    waits = [];
  }, 5);
  await worker.waitUntilReady();
} else {
  const queue = new Queue("bench", { connection, defaultJobOptions: { removeOnComplete: true } });
  await queue.waitUntilReady();
  createInterface({ input: process.stdin }).on("line", async (line) => {
    const order = JSON.parse(line);
    if (order.feed) {
      for (let left = order.feed; left > 0; left -= 1000) {
        await queue.addBulk(Array.from({ length: Math.min(left, 1000) }, () => ({ name: "noop", data: { at: 0 } })));
      }
      tell({ fed: order.feed });
      return;
    }
    await queue.add("noop", { at: order.send });
  });
}
tell({ ready: true });
