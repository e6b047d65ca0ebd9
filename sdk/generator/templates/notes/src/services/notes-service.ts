/** NotesService in memory: its handlers, to replace by your own. */
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { timestampNow } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError, type ServiceImpl } from "@connectrpc/connect";
import { type Note, NoteSchema, NotesService } from "../gen/notes/v1/notes_service_pb.js";
import { notesServiceSamples } from "../gen/server/samples.js";

const pageSizeDefault = 50;
const books = new Map<string, Map<string, Note>>();

function notesOf(book: string): Map<string, Note> {
  const notes = books.get(book) ?? new Map<string, Note>();
  books.set(book, notes);
  return notes;
}

function noteOf(book: string, id: string): Note {
  const note = books.get(book)?.get(id);
  if (note === undefined) throw new ConnectError("no such note", Code.NotFound);
  return note;
}

function saved(book: string, given: MessageInitShape<typeof NoteSchema>): Note {
  const note = create(NoteSchema, given);
  notesOf(book).set(note.id, note);
  return note;
}

/** Nothing here asks who is calling: the contract's policy has been enforced before. An RPC that is not written here answers with a sample. */
export const notesService: ServiceImpl<typeof NotesService> = {
  ...notesServiceSamples,
  getStatus: () => ({ notes: [...books.values()].reduce((sum, notes) => sum + notes.size, 0) }),
  listNotes({ book, pageSize, pageToken }) {
    const from = pageToken === "" ? 0 : Number(pageToken);
    if (!Number.isSafeInteger(from) || from < 0) throw new ConnectError("page_token: not one of ours", Code.InvalidArgument);
    const all = [...(books.get(book)?.values() ?? [])];
    const to = from + (pageSize || pageSizeDefault);
    return { notes: all.slice(from, to), nextPageToken: to < all.length ? String(to) : "" };
  },
  getNote: ({ book, id }) => ({ note: noteOf(book, id) }),
  createNote: ({ book, text }) => ({ note: saved(book, { id: crypto.randomUUID(), text, createTime: timestampNow() }) }),
  updateNote: ({ book, id, text }) => ({ note: saved(book, { ...noteOf(book, id), text }) }),
  clearBook({ book }) {
    const removed = books.get(book)?.size ?? 0;
    books.delete(book);
    return { removed };
  },
};
