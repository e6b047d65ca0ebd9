/** Asks for a secret: without an echo on a terminal, else as one line of stdin. */
import { UsageError } from "./command-line.js";

/** A stream that may be a terminal. */
export type Input = NodeJS.ReadableStream & { readonly isTTY?: boolean; setRawMode?(raw: boolean): unknown };

/** The question was answered with Ctrl-C. */
export class Interrupted extends Error {
  override readonly name = "Interrupted";
  /** Exit code: as if SIGINT had ended the program. */
  readonly exit = 128 + 2;
}

/** Asks. Throws a UsageError if the input ends without an answer, and Interrupted for Ctrl-C. */
export async function askSecret(question: string, stdin: Input, stderr: NodeJS.WritableStream): Promise<string> {
  const terminal = stdin.isTTY === true && stdin.setRawMode !== undefined;
  if (terminal) {
    stderr.write(`${question}: `);
    stdin.setRawMode!(true);
  }
  try {
    return await readLine(stdin, terminal);
  } finally {
    if (terminal) {
      stdin.setRawMode!(false);
      stderr.write("\n");
    }
    stdin.pause();
  }
}

function readLine(stdin: Input, terminal: boolean): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = "";
    const settle = (act: () => void): void => {
      stdin.off("data", onData).off("end", onEnd).off("error", onEnd);
      act();
    };
    const onEnd = (): void => settle(() => (text === "" ? reject(new UsageError("no secret was given")) : resolve(text)));
    const onData = (chunk: Buffer | string): void => {
      for (const character of chunk.toString()) {
        if (character === "\n" || character === "\r") return settle(() => resolve(text));
        // In raw mode the keys that a terminal would act on come as characters.
        if (terminal && character === "\u0003") return settle(() => reject(new Interrupted()));
        if (terminal && character === "\u0004") return onEnd();
        if (terminal && character === "\u0015") text = "";
        else if (terminal && (character === "\u007f" || character === "\b")) text = text.replace(/.$/su, "");
        else text += character;
      }
    };
    stdin.on("data", onData).on("end", onEnd).on("error", onEnd);
    stdin.resume();
  });
}
