/** Shows how far a long work is: a bar on a terminal, plain lines elsewhere. */

/** Where progress is shown. */
export interface ProgressOutput {
  write(text: string): unknown;
  readonly isTTY?: boolean | undefined;
}

/** A work in progress. */
export interface Progress {
  /** One more of the total is done. */
  step(): void;
  /** The work is done; a summary stands where the bar stood. */
  end(summary: string): void;
}

const barCells = 30;
/** A bar is drawn anew at most this often, in milliseconds. */
const redrawMs = 80;
/** Plain lines come at each of these shares. */
const lineShare = 0.25;

/** Starts to show a work of so many steps. `nowMs` is any clock that does not run backwards. */
export function createProgress(output: ProgressOutput, label: string, total: number, nowMs: () => number = () => performance.now()): Progress {
  let done = 0;
  let drawnMs = -Infinity;
  let nextLine = lineShare;
  const percent = (): string => `${Math.floor((100 * done) / total)} %`;

  function draw(): void {
    const now = nowMs();
    if (done < total && now - drawnMs < redrawMs) return;
    drawnMs = now;
    const filled = Math.floor((barCells * done) / total);
    output.write(`\r${label}  ${"█".repeat(filled)}${"░".repeat(barCells - filled)}  ${done}/${total}`);
  }

  function line(): void {
    if (done >= total || done / total < nextLine) return;
    nextLine = Math.floor(done / total / lineShare + 1) * lineShare;
    output.write(`${label}: ${done} of ${total} (${percent()})\n`);
  }

  return {
    step() {
      done++;
      if (output.isTTY) draw();
      else line();
    },
    end(summary) {
      output.write(output.isTTY ? `\r\u001b[K${label}: ${summary}\n` : `${label}: ${summary}\n`);
    },
  };
}
