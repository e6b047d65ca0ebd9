/** The store in memory keeps the contract of every store. */
import { storeContract } from "./contract.js";
import { createMemoryStore } from "./memory.js";

storeContract("the memory store", () => ({ store: createMemoryStore() }));
