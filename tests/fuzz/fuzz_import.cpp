// Import: any bytes that an importer takes for its own, into a snapshot whose invariants are checked, and single
// objects asked for on demand. Both size rules, with and without rows.
#include "tests/fuzz/fuzz_target.h"
#include "tests/importers/imported_dump.h"

namespace {

void import(std::string_view dump, const importers::ImportOptions& options) {
  try {
    const tests::ImportedDump in(dump, options);
    if (options.histogram_only) return;
    if (!in.problem().empty()) __builtin_trap();
    if (in.snapshot.profile) return;
    const std::uint32_t count = in.snapshot.object_count;
    const std::uint32_t step = count / 16 + 1;
    for (std::uint32_t i = 0; i < count; i += step) {
      const queries::ObjectId id{i};
      for (const queries::FieldValue& field : in.details->fields(id, 16)) {
        if (field.target != queries::no_object && tests::is_utf8(field.name) &&
            in.details->reference_name(id, field.target).empty() && !field.name.empty()) {
          __builtin_trap();
        }
      }
      const auto text = in.details->text(id, 64);
      if (text && (text->size() > 64 || !tests::is_utf8(*text))) __builtin_trap();
    }
  } catch (const formats::InputError&) {  // nothing in it
  }
}

void import_or_refuse_events(std::string_view dump) {
  importers::ImportOptions options;
  options.events = true;
  try {
    import(dump, options);
  } catch (const importers::NoEvents&) {
    import(dump, {});
  }
}

}  // namespace

void fuzz(formats::Bytes input) {
  const std::string_view dump = formats::as_text(input);
  if (importers::find_importer(input) == nullptr) return;
  import_or_refuse_events(dump);
  import(dump, {.sizes = importers::SizeRule::mat});
  import(dump, {.histogram_only = true});
}
