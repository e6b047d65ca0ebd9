/** What a library user imports. */
export {};
