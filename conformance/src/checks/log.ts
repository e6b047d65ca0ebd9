/** Checks of the audit log as a whole: nothing secret in it, no gap, nobody who can change it, nobody uninvited who can read it. */
import type { JsonObject } from "@bufbuild/protobuf";
import { AuditEntrySchema } from "@parapet/contract/parapet/audit/v1/audit_service_pb";
import { toJsonString } from "@bufbuild/protobuf";
import { methodOf, methods } from "../contract.js";
import { type Check, everyVariant } from "../run/check.js";
import { carries } from "../wire/client.js";
import { described, refusalFaults } from "./expect.js";
import { recorded } from "./records.js";

const noSecrets: Check = {
  id: "AU-10",
  profile: "smoke",
  lane: "last",
  over: "once",
  run: async (context, judge) => {
    const { people, secrets, call, control } = context;
    const reader = await people.as("reader");
    // Secrets in places where they do not belong, so that the log has a chance to leak them.
    const newPassword = `${context.namespace}-${context.random.word(20)}`;
    secrets.add(newPassword);
    await call(control, "AuthService/ChangePassword", { currentPassword: reader.password, newPassword: reader.password }, { credential: reader.credential });
    await call(control, "AuthService/ChangePassword", { currentPassword: newPassword, newPassword }, { credential: reader.credential });
    await call(control, "AuthService/UpdateUser", { username: (await people.as("nobody")).username, password: newPassword }, { credential: context.admin });
    await call(control, "AuthService/Login", { username: reader.password, password: newPassword }, { source: context.freshSource() });
    await context.client.http({ path: `/v1/auth/me?access_token=${encodeURIComponent(reader.token)}` });
    await context.client.http({ path: `/v1/audit?token=${encodeURIComponent(reader.apiKey)}`, headers: [["cookie", `session=${newPassword}`], ["x-api-key", reader.apiKey]] });
    const texts = (await context.records({ from: context.startedAt.toISOString() })).map((record) => [record.sequence, toJsonString(AuditEntrySchema, record)] as const);
    judge.control("records of this run", texts.length > 10, `${texts.length}`);
    // A name claimed at a failed login is recorded as what was claimed, even if it was somebody's password.
    const sought = [...secrets].filter((secret) => secret.length >= 8 && secret !== reader.password);
    const found = texts.flatMap(([sequence, text]) => sought.filter((secret) => text.includes(secret) || text.includes(JSON.stringify(secret).slice(1, -1))).map((secret) => `record ${sequence} holds a secret of ${secret.length} letters`));
    judge.equal(`of ${sought.length} secrets found in ${texts.length} records`, found.slice(0, 5), []);
  },
};

const gapFree: Check = {
  id: "AU-13",
  profile: "smoke",
  lane: "last",
  over: "once",
  run: async (context, judge) => {
    const records = await context.records({ from: context.startedAt.toISOString() });
    judge.control("records of this run", records.length > 10, `${records.length}`);
    const breaks: string[] = [];
    for (let index = 1; index < records.length; index++) {
      const [newer, older] = [records[index - 1]!, records[index]!];
      if (newer.sequence !== older.sequence + 1n) breaks.push(`${newer.sequence} follows ${older.sequence}`);
      // A clock that is set back a little is no fault of the log.
      if (timeMs(newer.time) < timeMs(older.time) - 2_000) breaks.push(`time falls at ${newer.sequence}`);
    }
    judge.equal(`breaks in ${records.length} records`, breaks.slice(0, 5), []);
    const { dropped } = await context.asAdmin("AuditService/ListAuditRecords", { limit: 1 });
    judge.equal("dropped records", dropped, 0);
  },
};

function timeMs(time: { seconds: bigint; nanos: number } | undefined): number {
  return time === undefined ? 0 : Number(time.seconds) * 1_000 + time.nanos / 1e6;
}

const appendOnly: Check = {
  id: "AU-19",
  profile: "smoke",
  over: "once",
  run: async (context, judge) => {
    const { client, admin } = context;
    const changing = methods.filter(({ path, sideEffects }) => path.includes("AuditService/") && sideEffects).map(({ name }) => name);
    judge.equal("methods of the contract that change the log", changing, []);
    const call = await recorded(context, context.control, "AuthService/ListUsers", { pageSize: 1 }, { credential: admin });
    const sequence = String(call.records[0]?.sequence ?? 0n);
    const bearer: [string, string][] = "bearer" in admin ? [["authorization", `Bearer ${admin.bearer}`]] : [];
    for (const verb of ["DELETE", "PUT", "PATCH", "POST"]) {
      for (const path of ["/v1/audit", `/v1/audit/${sequence}`, "/v1/audit/records"]) {
        const { status } = await client.http({ verb, path, headers: [...bearer, ["content-type", "application/json"]], body: Buffer.from("{}") });
        judge.that(`${verb} ${path} as admin`, status === 404 || status === 405 || status === 501, `HTTP ${status}`);
      }
    }
    for (const name of ["DeleteAuditRecord", "UpdateAuditRecord", "DeleteAuditRecords", "TrimAuditRecords"]) {
      const { status } = await client.http({ verb: "POST", path: `/parapet.audit.v1.AuditService/${name}`, headers: [...bearer, ["content-type", "application/json"]], body: Buffer.from("{}") });
      judge.that(`${name} as admin`, status === 404 || status === 501, `HTTP ${status}`);
    }
    const after = await context.records({ requestId: call.requestId });
    judge.equal("the record afterwards", after.map((record) => toJsonString(AuditEntrySchema, record)), call.records.map((record) => toJsonString(AuditEntrySchema, record)));
  },
};

const readingIsGuarded: Check = {
  id: "AU-20",
  profile: "smoke",
  over: everyVariant,
  run: async (context, judge, variant) => {
    const list = "AuditService/ListAuditRecords";
    if (!carries(variant, methodOf(list))) return;
    const request: JsonObject = { limit: 1 };
    const own = await recorded(context, variant, list, request, { credential: context.admin });
    judge.control("an admin reads", own.result.code === "ok", described(own.result));
    judge.equal("records of the reading", own.records.map(({ action, result }) => [action, result]), [["audit.list", "success"]]);
    for (const role of ["owner", "reader", "nobody"] as const) {
      const { credential } = await context.people.as(role);
      const call = await recorded(context, variant, list, request, { credential });
      judge.none(role, refusalFaults(call.result, "ADMIN_REQUIRED"));
      judge.equal(`records of the attempt by ${role}`, call.records.map(({ action, result }) => [action, result]), [["audit.list", "denied"]]);
    }
    const anonymous = await context.call(variant, list, request);
    judge.none("anybody", refusalFaults(anonymous, "CREDENTIAL_MISSING"));
  },
};

/** The checks of this file. */
export const logChecks: readonly Check[] = [appendOnly, readingIsGuarded, gapFree, noSecrets];
