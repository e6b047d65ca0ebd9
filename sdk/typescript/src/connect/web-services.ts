/** The services of the contract for browsers: descriptors without the options that only servers read. */
import { type Client, createClient, type Transport } from "@connectrpc/connect";
import { AuditService } from "@parapet/contract/web/parapet/audit/v1/audit_service_pb";
import { AuthService } from "@parapet/contract/web/parapet/auth/v1/auth_service_pb";
import { DocumentService } from "@parapet/contract/web/parapet/document/v1/document_service_pb";
import { SystemService } from "@parapet/contract/web/parapet/system/v1/system_service_pb";

/** Every service, under the name it has in the default layer as well. */
export const services = { audit: AuditService, auth: AuthService, documents: DocumentService, system: SystemService } as const;

/** One typed connect-es client a service. */
export type ServiceClients = { readonly [Name in keyof typeof services]: Client<(typeof services)[Name]> };

/** Makes the clients of all services over one transport. */
export function createServiceClients(transport: Transport): ServiceClients {
  const clients = Object.entries(services).map(([name, service]) => [name, createClient(service, transport)]);
  return Object.fromEntries(clients) as ServiceClients;
}
