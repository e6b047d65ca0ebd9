/** Fields that the contract marks as REQUIRED with google.api.field_behavior must be set (AIP-203). */
import { type DescField, getOption, hasOption, isFieldSet } from "@bufbuild/protobuf";
import { field as fieldRules } from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";
import { field_behavior, FieldBehavior } from "@parapet/contract/google/api/field_behavior_pb";
import { type CompileFind, createFind, type Find } from "./find.js";

/** Compiles the search of a message type; undefined where nothing is marked, which costs nothing then. */
export const compileRequired: CompileFind = createFind((field) => (isRequired(field) ? ofField(field) : undefined));

/** A field with the rule `required` is protovalidate's to report. */
function isRequired(field: DescField): boolean {
  return hasOption(field, field_behavior) && getOption(field, field_behavior).includes(FieldBehavior.REQUIRED) && !(hasOption(field, fieldRules) && getOption(field, fieldRules).required);
}

function ofField(field: DescField): Find {
  return (message, path, missing) => {
    if (!isFieldSet(message, field)) missing.push({ field: `${path}${field.name}`, description: "value is required", rule: "required" });
  };
}
