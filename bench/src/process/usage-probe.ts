/** Loaded into every measured process: answers its parent with the CPU time it has used so far. */

process.on("message", (message) => {
  if (message !== "usage") return;
  const { user, system } = process.cpuUsage();
  process.send!({ type: "usage", cpuMicros: user + system });
});
process.once("disconnect", () => process.exit());
// The channel alone must not keep a server alive that wants to end.
process.channel?.unref();
