/** Documents for a request message, from a seeded source: such as keep the contract, and such as break it in one place or several. */
import type { EnumType, Field, FieldType, MessageType, Model, Rules, Scalar } from "../../sdk/generator/src/model.js";
import { isRequired } from "../../sdk/generator/src/rules.js";
import type { QueryParameter } from "../../sdk/generator/src/query.js";
import { Members, textOf, type Written } from "./raw.js";
import { Dice, oddScalar, scalarValue, stranger, wellKnown } from "./samples.js";

/** Levels of messages within messages that a document has of itself. */
const levelsMax = 3;
/** Longest list or map that is made to try a bound. */
const itemsMax = 1001;

/** A value in a document, and what the contract says of it. */
interface Place {
  readonly field: Field;
  /** What the value is one of. `whole`: a list or a map. */
  readonly kind: "whole" | "single";
  readonly rules: Rules;
  read(): Written;
  write(value: Written): void;
  /** The member that holds it, where it is not an item of a list. */
  readonly member?: { readonly holder: Members; readonly entry: { name: string; value: Written }; readonly message: MessageType | undefined };
}

/** Makes documents for the messages of one contract. */
export class Author {
  private readonly dice: Dice;
  private readonly messages: ReadonlyMap<string, MessageType>;
  private readonly enums: ReadonlyMap<string, EnumType>;
  private places: Place[] = [];

  constructor(model: Model, random: () => number) {
    this.dice = new Dice(random);
    this.messages = new Map(model.messages.map((message) => [message.fullName, message]));
    this.enums = new Map(model.enums.map((each) => [each.fullName, each]));
  }

  /** A document for a message: about one in three keeps the contract, the others are changed in one place or up to three. */
  message(name: string): Written {
    return this.made(() => this.messageValue(name, 0, {}));
  }

  /** A document for the value of one field. */
  field(field: Field): Written {
    const holder = new Members([]);
    this.made(() => {
      this.member(holder, field, 0, undefined);
      return holder;
    });
    return holder.list.length === 0 ? stranger(this.dice) : holder.list[0]!.value;
  }

  /** A query string of some of the parameters: about half keep the contract. */
  query(parameters: readonly QueryParameter[]): string {
    const { dice } = this;
    const pairs: [string, string][] = [];
    const share = dice.of([0.2, 0.5]);
    const filled = new Set<string>();
    for (const { name, path, field } of parameters) {
      if (!dice.chance(isRequired(field) ? 0.95 : share)) continue;
      if (field.oneof !== undefined && filled.has(field.oneof) && !dice.chance(0.1)) continue;
      if (field.oneof !== undefined) filled.add(field.oneof);
      const times = field.cardinality === "repeated" ? dice.between(1, 3) : dice.chance(0.02) ? 2 : 1;
      const rules = (field.cardinality === "repeated" ? field.rules?.items : field.rules) ?? {};
      for (let time = 0; time < times; time++) {
        const value = dice.chance(0.15) ? this.odd(field.type, rules) : this.single(field.type, rules, levelsMax);
        pairs.push([dice.chance(0.05) ? path : name, typeof value === "string" ? value.replaceAll(/\p{Surrogate}/gu, "?") : textOf(value)]);
      }
    }
    if (dice.chance(0.08)) pairs.push([dice.of(["unknown", "", "Limit", "constructor", "__proto__", "a.b", ...parameters.map(({ name }) => `${name}x`)]), "1"]);
    return pairs.map(([name, value]) => `${encodeURIComponent(name)}=${dice.chance(0.5) ? encodeURIComponent(value) : encodeURIComponent(value).replaceAll("%20", "+")}`).join("&");
  }

  private made(make: () => Written): Written {
    this.places = [];
    const document = make();
    const { dice } = this;
    if (dice.chance(0.33)) return document;
    if (dice.chance(0.02)) return stranger(dice);
    for (let left = dice.chance(0.7) ? 1 : dice.between(2, 3); left > 0; left--) {
      if (document instanceof Members && dice.chance(0.04)) document.list.push({ name: dice.of(["unknown", "__proto__", "constructor", "", "Key", "[x.y]", "@type"]), value: stranger(dice) });
      else if (this.places.length > 0) this.mutate(dice.of(this.places));
    }
    return document;
  }

  private messageValue(name: string, level: number, rules: Rules): Written {
    const special = name.startsWith("google.protobuf.") ? wellKnown[name.slice("google.protobuf.".length)] : undefined;
    if (special !== undefined) return special.usual(this.dice, rules);
    const scalar = wrapped(name);
    if (scalar !== undefined) return scalarValue(this.dice, scalar, rules);
    const message = this.messages.get(name);
    const object = new Members([]);
    const share = level === 0 ? this.dice.of([0.1, 0.5, 0.9]) : 0.4;
    const filled = new Set<string>();
    for (const field of message?.fields ?? []) {
      const oneof = message!.oneofs.find(({ name: each }) => each === field.oneof);
      if (oneof !== undefined && filled.has(oneof.name)) continue;
      const choices = (message!.choices ?? []).filter(({ fields }) => fields.includes(field.name));
      if (choices.some(({ fields }) => fields.some((each) => filled.has(each))) && !this.dice.chance(0.05)) continue;
      const last = [oneof, ...choices].some((each) => each?.required === true && each.fields.at(-1) === field.name);
      const needed = isRequired(field) || last;
      if (!needed && (level >= levelsMax || !this.dice.chance(share))) continue;
      if (field.oneof !== undefined) filled.add(field.oneof);
      if (choices.length > 0) filled.add(field.name);
      this.member(object, field, level, message);
    }
    return object;
  }

  private member(holder: Members, field: Field, level: number, message: MessageType | undefined): void {
    const rules = field.rules ?? {};
    const entry = { name: field.jsonName, value: null as Written };
    holder.list.push(entry);
    entry.value = this.fieldValue(field, rules, level);
    this.places.push({ field, kind: field.cardinality === "singular" ? "single" : "whole", rules, read: () => entry.value, write: (value) => void (entry.value = value), member: { holder, entry, message } });
  }

  private fieldValue(field: Field, rules: Rules, level: number): Written {
    const { dice } = this;
    if (field.cardinality === "singular") return this.single(field.type, rules, level);
    const least = rules.minItems ?? rules.minPairs ?? 0;
    const most = Math.min(rules.maxItems ?? rules.maxPairs ?? least + 3, level >= levelsMax ? least : least + 3);
    const length = dice.between(least, Math.max(least, most));
    if (field.cardinality === "repeated") {
      const items: Written[] = [];
      for (let index = 0; index < length; index++) items.push(this.item(field, items, index, level));
      return items;
    }
    const map = new Members([]);
    for (let index = 0; index < length; index++) this.pair(field, map, level);
    return map;
  }

  private item(field: Field, items: Written[], index: number, level: number): Written {
    const rules = field.rules?.items ?? {};
    this.places.push({ field, kind: "single", rules, read: () => items[index]!, write: (value) => void (items[index] = value) });
    return this.single(field.type, rules, level);
  }

  private pair(field: Field, map: Members, level: number): void {
    const rules = field.rules?.values ?? {};
    const key = scalarValue(this.dice, field.mapKey!, field.rules?.keys ?? {});
    const entry = { name: typeof key === "string" ? key : textOf(key), value: null as Written };
    if (map.get(entry.name) !== undefined) return;
    map.list.push(entry);
    // Rules of the repository's own contract: meta is lists of strings.
    const strings = field.type.kind === "message" && field.type.name === "google.protobuf.ListValue" && field.rules?.cel !== undefined;
    entry.value = strings && this.dice.chance(0.9) ? this.dice.of<Written>([[], ["a"], ["a", "é", ""]]) : this.single(field.type, rules, level);
    this.places.push({ field, kind: "single", rules, read: () => entry.value, write: (value) => void (entry.value = value), member: { holder: map, entry, message: undefined } });
  }

  private single(type: FieldType, rules: Rules, level: number): Written {
    if (type.kind === "scalar") return scalarValue(this.dice, type.scalar, rules);
    if (type.kind === "message") return this.messageValue(type.name, level + 1, rules);
    if (type.name === "google.protobuf.NullValue") return null;
    const values = this.enums.get(type.name)!.values.filter(({ number }) => !rules.notIn?.includes(number) && (rules.in?.includes(number) ?? true) && (rules.const ?? number) === number);
    return this.dice.of(values).name;
  }

  private mutate(place: Place): void {
    const { dice } = this;
    const { member } = place;
    if (dice.chance(0.12)) return place.write(null);
    if (dice.chance(0.1)) return place.write(stranger(dice));
    if (dice.chance(0.05)) return place.write(dice.chance(0.5) ? [place.read()] : new Members([{ name: place.field.jsonName, value: place.read() }]));
    if (member !== undefined && dice.chance(0.3)) return this.mutateMember(place, member);
    if (place.kind === "whole") return this.mutateWhole(place);
    place.write(this.odd(place.field.type, place.rules));
  }

  /** Changes the name, or what stands beside it. */
  private mutateMember({ field, rules }: Place, { holder, entry, message }: NonNullable<Place["member"]>): void {
    const { dice } = this;
    if (message === undefined) {
      const keyRules = field.rules?.keys ?? {};
      const odd = field.mapKey === undefined ? dice.of(["", "x"]) : oddScalar(dice, field.mapKey, keyRules);
      entry.name = typeof odd === "string" ? odd : dice.of(["", "1", "true", "-1", "01", "1e0", "4294967296", "9223372036854775808", "__proto__", "\ud800"]);
      return;
    }
    const beside = message.oneofs.find(({ name }) => name === field.oneof)?.fields.map((name) => message.fields.find((each) => each.name === name)!) ?? [];
    if (beside.length > 1 && dice.chance(0.6)) {
      const other = dice.of(beside.filter((each) => each !== field));
      holder.list.push({ name: other.jsonName, value: dice.chance(0.3) ? null : this.fieldValue(other, other.rules ?? {}, levelsMax) });
      return;
    }
    const kind = dice.between(0, 5);
    if (kind <= 1) holder.list.splice(holder.list.indexOf(entry), 1);
    else if (kind <= 3) entry.name = field.name;
    else if (kind === 4) entry.name = dice.of([entry.name.toUpperCase(), `${entry.name} `, `_${entry.name}`, `${entry.name}_`, entry.name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)]);
    else if (field.name !== field.jsonName) holder.list.push({ name: field.name, value: dice.chance(0.5) ? entry.value : this.odd(field.type, rules) });
  }

  /** Changes a list or a map as a whole. */
  private mutateWhole(place: Place): void {
    const { dice } = this;
    const { field, rules } = place;
    const bounds = [rules.minItems, rules.maxItems, rules.minPairs, rules.maxPairs].filter((bound) => bound !== undefined && bound <= itemsMax) as number[];
    const length = bounds.length > 0 && dice.chance(0.5) ? Math.max(0, dice.of(bounds) + dice.between(-1, 1)) : dice.between(0, 2);
    const level = levelsMax;
    if (field.cardinality === "map") {
      const map = new Members([]);
      for (let index = 0; index < length; index++) map.list.push({ name: field.mapKey === "string" ? `k${index}` : String(index), value: index > 3 ? map.list[3]!.value : this.single(field.type, rules.values ?? {}, level) });
      if (dice.chance(0.2)) map.list.push({ name: dice.of(["x", ""]), value: dice.chance(0.5) ? null : this.odd(field.type, rules.values ?? {}) });
      return place.write(map);
    }
    const items: Written[] = [];
    for (let index = 0; index < length; index++) items.push(index > 3 && !rules.unique ? items[3]! : this.single(field.type, rules.items ?? {}, level));
    if (dice.chance(0.3)) items.push(dice.of<() => Written>([() => null, () => items[0] ?? null, () => this.odd(field.type, rules.items ?? {}), () => [...items]])());
    place.write(items);
  }

  /** A value that may break the rules or the type of its place. */
  private odd(type: FieldType, rules: Rules): Written {
    const { dice } = this;
    if (type.kind === "scalar") return oddScalar(dice, type.scalar, rules);
    if (type.kind === "enum") {
      const values = this.enums.get(type.name)?.values ?? [];
      const known = dice.of(values.length > 0 ? values : [{ name: "NULL_VALUE", number: 0 }]);
      return dice.of<Written>([known.number, known.number, known.name, known.name.toLowerCase(), `${known.name} `, "", "UNKNOWN_NAME", String(known.number), 77, -1, 1.5, 2_147_483_647, 2_147_483_648, -2_147_483_649]);
    }
    const short = type.name.startsWith("google.protobuf.") ? type.name.slice("google.protobuf.".length) : "";
    const special = wellKnown[short];
    if (special !== undefined) return special.odd(dice, rules);
    const scalar = wrapped(type.name);
    if (scalar !== undefined) return oddScalar(dice, scalar, rules);
    return dice.chance(0.1) ? this.nested(type.name, dice.of([30, 60, 99, 101, 150])) : this.messageValue(type.name, levelsMax, {});
  }

  /** A message that holds itself many times over, where its type does. */
  private nested(name: string, levels: number): Written {
    const own = this.messages.get(name)?.fields.find(({ type, cardinality }) => type.kind === "message" && type.name === name && cardinality !== "map");
    let value: Written = new Members([]);
    if (own !== undefined) for (let level = 0; level < levels; level++) value = new Members([{ name: own.jsonName, value: own.cardinality === "repeated" ? [value] : value }]);
    return value;
  }
}

/** The scalar that a wrapper of google.protobuf holds. */
export function wrapped(name: string): Scalar | undefined {
  const found = /^google\.protobuf\.(Bool|Bytes|Double|Float|Int32|Int64|String|UInt32|UInt64)Value$/.exec(name);
  return found === null ? undefined : (found[1]!.toLowerCase() as Scalar);
}
