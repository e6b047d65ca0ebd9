/** The standard gRPC server reflection service (grpc/grpc-proto, reflection/v1). */
import { toBinary, type DescFile, type DescService, type MessageInitShape } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import { Code, type ServiceImpl } from "@connectrpc/connect";
import { ServerReflection, type ServerReflectionRequest, type ServerReflectionResponseSchema } from "@parapet/contract/grpc/reflection/v1/reflection_pb";

type Response = MessageInitShape<typeof ServerReflectionResponseSchema>["messageResponse"];

/** Makes the service: it describes these services, their files and what those import. */
export function createReflectionService(services: readonly DescService[]): ServiceImpl<typeof ServerReflection> {
  const files = new Map<string, DescFile>();
  const fileOfSymbol = new Map<string, DescFile>();
  const fileOfExtension = new Map<string, DescFile>();
  const extensionsOf = new Map<string, number[]>();
  const visit = (file: DescFile): void => {
    const name = `${file.name}.proto`;
    if (files.has(name)) return;
    files.set(name, file);
    file.dependencies.forEach(visit);
    for (const message of file.messages) {
      fileOfSymbol.set(message.typeName, file);
      for (const nested of message.nestedMessages) fileOfSymbol.set(nested.typeName, file);
      for (const nested of message.nestedEnums) fileOfSymbol.set(nested.typeName, file);
    }
    for (const { typeName } of file.enums) fileOfSymbol.set(typeName, file);
    for (const service of file.services) {
      fileOfSymbol.set(service.typeName, file);
      for (const method of service.methods) fileOfSymbol.set(`${service.typeName}.${method.name}`, file);
    }
    for (const extension of file.extensions) {
      fileOfSymbol.set(extension.typeName, file);
      fileOfExtension.set(`${extension.extendee.typeName} ${extension.number}`, file);
      extensionsOf.set(extension.extendee.typeName, [...(extensionsOf.get(extension.extendee.typeName) ?? []), extension.number]);
    }
  };
  for (const service of services) visit(service.file);

  const withImports = (file: DescFile): Response => {
    const found = new Map<string, Uint8Array>();
    const add = (one: DescFile): void => {
      if (found.has(one.name)) return;
      found.set(one.name, toBinary(FileDescriptorProtoSchema, one.proto));
      one.dependencies.forEach(add);
    };
    add(file);
    return { case: "fileDescriptorResponse", value: { fileDescriptorProto: [...found.values()] } };
  };
  const notFound = (what: string): Response => ({ case: "errorResponse", value: { errorCode: Code.NotFound, errorMessage: `${what} not found` } });
  const answer = ({ messageRequest: ask }: ServerReflectionRequest): Response => {
    switch (ask.case) {
      case "listServices":
        return { case: "listServicesResponse", value: { service: services.map(({ typeName }) => ({ name: typeName })) } };
      case "fileByFilename": {
        const file = files.get(ask.value);
        return file === undefined ? notFound("file") : withImports(file);
      }
      case "fileContainingSymbol": {
        const file = fileOfSymbol.get(ask.value);
        return file === undefined ? notFound("symbol") : withImports(file);
      }
      case "fileContainingExtension": {
        const file = fileOfExtension.get(`${ask.value.containingType} ${ask.value.extensionNumber}`);
        return file === undefined ? notFound("extension") : withImports(file);
      }
      case "allExtensionNumbersOfType":
        return { case: "allExtensionNumbersResponse", value: { baseTypeName: ask.value, extensionNumber: extensionsOf.get(ask.value) ?? [] } };
      default:
        return { case: "errorResponse", value: { errorCode: Code.InvalidArgument, errorMessage: "the request asks for nothing" } };
    }
  };

  return {
    async *serverReflectionInfo(requests) {
      for await (const request of requests) {
        yield { validHost: request.host, originalRequest: request, messageResponse: answer(request) };
      }
    },
  };
}
