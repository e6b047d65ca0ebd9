/** Sets the stage of the demo: its users with their grants, and a limit raised for those that do the work. */
import { randomBytes } from "node:crypto";
import { Parapet } from "@parapet/sdk";
import type { ParapetServer } from "../process/parapet.js";
import { type Caller, createCallers } from "./callers.js";
import type { CorpusDocument } from "./corpus.js";
import type { Progress } from "./progress.js";
import { collection, type DemoUser, type World } from "./world.js";

/** What the stage is set with. */
export interface WorldOptions {
  readonly server: ParapetServer;
  readonly documents: readonly CorpusDocument[];
  readonly say: (line: string) => void;
  readonly progress: (label: string, total: number) => Progress;
}

/** The raised limit; it expires by itself should the demo die. */
const raised = { requests: 1_000_000, burst: 10_000, lifetime: "600s" };

/** Opens it. Its `close` takes the raised limits away and closes connections. */
export async function openWorld({ server, documents, say, progress }: WorldOptions): Promise<World> {
  const baseUrl = server.url;
  const { token } = await new Parapet({ baseUrl }).auth.login({ username: server.adminUser, password: server.adminPassword });
  const admin = new Parapet({ baseUrl, token });
  const opened: Caller[] = [];
  const callersFor = (credential?: string): readonly Caller[] => {
    const callers = createCallers({ baseUrl, ...(credential === undefined ? {} : { token: credential }) });
    opened.push(...callers);
    return callers;
  };

  async function createUser(username: string, write: boolean): Promise<DemoUser> {
    const password = randomBytes(18).toString("base64url");
    await admin.auth.register({ username, password });
    await admin.auth.setPermission({ username, collection, read: true, write, admin: false });
    const login = await new Parapet({ baseUrl }).auth.login({ username, password });
    return { username, callers: callersFor(login.token) };
  }

  const librarian = await createUser("librarian", true);
  const reader = await createUser("reader", false);
  const hasty = await createUser("hasty", false);
  const overrides: string[] = [];
  for (const username of [librarian.username, server.adminUser]) {
    const { override } = await admin.system.setLimitOverride({ subject: `user:${username}`, bucket: "api", ...raised });
    overrides.push(override!.id);
  }
  say(`users: librarian (read and write, limit raised for the import), reader and hasty (read)`);

  return {
    server,
    admin,
    documents,
    librarian,
    reader,
    hasty,
    anonymous: callersFor(),
    say,
    progress,
    async close() {
      for (const id of overrides) await admin.system.deleteLimitOverride({ id });
      for (const caller of opened) caller.close();
    },
  };
}
