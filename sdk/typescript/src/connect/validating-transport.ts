/** A transport that compares what the server sends with the rules of the contract, and tells of what breaks one; the call goes on. */
import type { DescMessage, MessageShape } from "@bufbuild/protobuf";
import type { Transport } from "@connectrpc/connect";

/** The part of a protovalidate validator that is used: what `createValidator()` of `@bufbuild/protovalidate` makes. */
export interface ResponseValidator {
  validate<Desc extends DescMessage>(schema: Desc, message: MessageShape<Desc>): { readonly kind: string; readonly error?: Error | undefined };
}

/** A response that breaks the contract. */
export interface InvalidResponse {
  /** `package.Service/Method`. */
  readonly method: string;
  /** Full name of the message. */
  readonly typeName: string;
  /** Which rules, by field; the values themselves are not part of it. */
  readonly problem: string;
}

/** How to check responses. */
export interface ValidateOptions {
  readonly validator: ResponseValidator;
  /** Hears of every response that breaks a rule. What it throws is ignored: watching must not break a call. */
  readonly warn: (invalid: InvalidResponse) => void;
}

/** Wraps a transport. */
export function createValidatingTransport(inner: Transport, { validator, warn }: ValidateOptions): Transport {
  const check = <O extends DescMessage>(method: string, schema: O, message: MessageShape<O>): void => {
    try {
      const { kind, error } = validator.validate(schema, message);
      if (kind !== "valid") warn({ method, typeName: schema.typeName, problem: error?.message ?? kind });
    } catch {
      // A rule that cannot be evaluated, or a listener that fails, is not the caller's trouble.
    }
  };
  return {
    async unary(desc, ...rest) {
      const response = await inner.unary(desc, ...rest);
      check(`${desc.parent.typeName}/${desc.name}`, desc.output, response.message);
      return response;
    },
    async stream(desc, ...rest) {
      const response = await inner.stream(desc, ...rest);
      const checked = async function* (): AsyncGenerator<MessageShape<typeof desc.output>, void, undefined> {
        for await (const message of response.message) {
          check(`${desc.parent.typeName}/${desc.name}`, desc.output, message);
          yield message;
        }
      };
      return { ...response, message: checked() };
    },
  };
}

/**
 * Has the transports of `make` compare what they receive: `createTransport(options, validating(createGrpcWebTransport, { validator: createValidator(), warn }))`.
 * The service must be one of the whole descriptors, since those for browsers carry no rules.
 */
export function validating<Base>(make: (base: Base) => Transport, options: ValidateOptions): (base: Base) => Transport {
  return (base) => createValidatingTransport(make(base), options);
}
