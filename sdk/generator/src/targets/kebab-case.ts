/** Names of files from names of types. */

/** `NotesService` and `notes_service` as `notes-service`. */
export function kebabCase(name: string): string {
  return name.replace(/([a-z0-9])([A-Z])/g, "$1-$2").replaceAll("_", "-").toLowerCase();
}
