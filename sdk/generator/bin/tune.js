// Sets up V8 for a program that is over soon; to be loaded first.
import module from "node:module";
import v8 from "node:v8";

// The V8 of Node 20 optimises code that has ended before that pays: let it wait until a function has run many times longer.
if (process.versions.node.startsWith("20.")) v8.setFlagsFromString("--interrupt-budget=4000000");
// Where Node can keep compiled modules between runs, the second run starts sooner.
module.enableCompileCache?.();
