/** Names of files and commands from names of types. */
import { wordsOf } from "../words.js";

/** `NotesService` and `notes_service` as `notes-service`, `HTTPServer` as `http-server`. */
export function kebabCase(name: string): string {
  return wordsOf(name).join("-") || name;
}
