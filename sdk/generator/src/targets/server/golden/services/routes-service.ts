/** RoutesService: its handlers. This file is yours. */
import type { ServiceImpl } from "@connectrpc/connect";
import { RoutesService } from "../messages/awkward/v1/routes_pb.js";
import { routesServiceSamples } from "../gen/server/samples.js";

/** What is not written here answers with a sample. Nothing here asks who is calling: the contract's policy has been enforced before. */
export const routesService: ServiceImpl<typeof RoutesService> = {
  ...routesServiceSamples,
};
