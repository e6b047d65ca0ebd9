/** Chooses the content coding of an answer by Accept-Encoding (RFC 9110 section 12.5.3). */

/** The coding of those there are, in the order in which they are preferred, that a caller takes most gladly; undefined: none, or rather none. */
export function preferredCoding<Coding extends string>(header: string | undefined, codings: readonly Coding[]): Coding | undefined {
  if (header === undefined || header === "") return undefined;
  const weights = weightsOf(header);
  let best: Coding | undefined;
  let bestWeight = 0;
  for (const coding of codings) {
    const weight = weights.get(coding) ?? weights.get(`x-${coding}`) ?? weights.get("*") ?? 0;
    if (weight > bestWeight) {
      best = coding;
      bestWeight = weight;
    }
  }
  return (weights.get("identity") ?? 0) > bestWeight ? undefined : best;
}

/** The weights that are given, by coding; 0 for one that cannot be read. */
function weightsOf(header: string): Map<string, number> {
  return new Map(
    header.split(",").map((part) => {
      const [coding = "", ...parameters] = part.split(";").map((text) => text.trim().toLowerCase());
      const weight = parameters.find((text) => text.startsWith("q="))?.slice(2);
      return [coding, weight === undefined ? 1 : /^(?:0(?:\.\d{0,3})?|1(?:\.0{0,3})?)$/.test(weight) ? Number(weight) : 0] as const;
    }),
  );
}
