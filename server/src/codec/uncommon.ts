/** The signal by which a fast codec leaves a message to protobuf-es. */

/**
 * Thrown on meeting anything but the plain form of a value; the whole message is then for protobuf-es to take or to refuse.
 * One object for all, because making an error costs more than reading a message.
 */
export const uncommon = new Error("left to protobuf-es");
