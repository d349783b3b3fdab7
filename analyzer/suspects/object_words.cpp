#include "analyzer/suspects/object_words.h"

#include <algorithm>
#include <array>
#include <cstdint>

#include "analyzer/suspects/collections.h"

namespace analyzer {

using namespace queries;

namespace {

constexpr std::string_view arrow = " \u2192 ";

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool is_index(std::string_view name) { return !name.empty() && name.front() == '['; }

/// "+0x18": a word of a native block.
bool is_offset(std::string_view name) { return !name.empty() && name.front() == '+'; }

/// An element of an array, or of a container's buffer, rather than a field.
bool is_element(std::string_view owner_class, std::string_view name) {
  if (is_index(name)) return true;
  if (!is_offset(name)) return false;
  for (const std::string_view buffer : {"std::vector body", "std::unordered_map/set buckets", "std::deque "}) {
    if (owner_class.starts_with(buffer)) return true;
  }
  return false;
}

std::string step_text(const ObjectWords& words, const RootPath& path, std::size_t at, bool full_name) {
  // The reference from step at to at + 1, as its owner writes it.
  const ObjectId owner = path[at].object;
  const std::string& name = path[at + 1].name;
  if (words.is_class(owner)) {
    const std::string& of = words.class_name(words.subject(owner));
    return "static " + of + '.' + name;
  }
  if (name.starts_with("<Java Local")) return "local variable";
  const std::string& of = words.class_name(owner);
  std::string shown = full_name && !is_runtime_class(of) ? of : std::string(short_class_name(of));
  if (is_element(of, name)) return shown;
  return is_offset(name) ? shown + name : shown + '.' + name;
}

}  // namespace

std::string ObjectWords::label(ObjectId id) const {
  if (is_class(id)) return "class " + class_name(subject(id));
  return class_name(id);
}

bool ObjectWords::is_a(ObjectId id, std::string_view name) const {
  ClassId at = graph_.class_of(id);
  for (unsigned depth = 0; at != no_class && depth < 256; ++depth) {
    if (class_name(at) == name) return true;
    at = snapshot_.classes[index(at)].super;
  }
  return false;
}

ClassId ObjectWords::subject(ObjectId id) const {
  const ClassId of = snapshot_.class_of_class_object(id);
  return of != no_class ? of : graph_.class_of(id);
}

ObjectId ObjectWords::loader_of(ObjectId id) const { return snapshot_.classes[index(subject(id))].loader; }

std::string ObjectWords::loaded_by(ClassId id) const {
  const ClassRow& row = snapshot_.classes[index(id)];
  if (row.kind == ClassKind::block) return {};
  return ", loaded by " + (row.loader == no_object ? std::string("the system class loader") : class_name(row.loader)) +
         ',';
}

bool ObjectWords::is_custom_loader(ObjectId id) const {
  if (id == no_object || !is_a(id, "java.lang.ClassLoader") || is_class(id)) return false;
  return !is_runtime_class(class_name(id)) || class_name(id) == "java.net.URLClassLoader";
}

bool is_runtime_class(std::string_view name) {
  while (name.ends_with("[]")) name.remove_suffix(2);
  if (name.find('.') == std::string_view::npos) {
    for (const std::string_view primitive : {"boolean", "char", "float", "double", "byte", "short", "int", "long"}) {
      if (name == primitive) return true;
    }
    return false;
  }
  for (const std::string_view prefix :
       {"java.", "javax.", "jdk.", "sun.", "com.sun.", "kotlin.", "scala.", "dalvik.", "libcore.", "android."}) {
    if (name.starts_with(prefix)) return true;
  }
  return false;
}

std::string_view short_class_name(std::string_view name) {
  const std::size_t slash = name.find('/');  // hidden classes: Foo$$Lambda/0x00007f…
  const std::size_t dot = name.substr(0, slash).rfind('.');
  return dot == std::string_view::npos ? name : name.substr(dot + 1);
}

std::string stable_class_name(std::string_view name) {
  for (const std::string_view generated :
       {"$$Lambda", "$Proxy", "GeneratedMethodAccessor", "GeneratedConstructorAccessor",
        "GeneratedSerializationConstructorAccessor"}) {
    const std::size_t at = name.find(generated);
    if (at != std::string_view::npos) return std::string(name.substr(0, at + generated.size())) + '*';
  }
  const std::size_t slash = name.find('/');
  if (slash != std::string_view::npos) return std::string(name.substr(0, slash)) + "/*";
  return std::string(name);
}

bool has_word(std::string_view text, std::initializer_list<std::string_view> words) {
  for (const std::string_view word : words) {
    const auto found = std::search(text.begin(), text.end(), word.begin(), word.end(),
                                   [](char a, char b) { return lower(a) == lower(b); });
    if (found != text.end()) return true;
  }
  return false;
}

std::size_t path_start(const ObjectWords& words, const RootPath& path) {
  for (std::size_t at = path.size(); at-- > 0;) {
    if (!words.is_class(path[at].object)) continue;
    // <class>, <super>, <loader>: the class is on the way, but it is not a static field of it that leads on.
    if (at + 1 < path.size() && path[at + 1].name.starts_with('<')) continue;
    return at;
  }
  return 0;
}

std::string short_path(const ObjectWords& words, const RootPath& path, std::size_t steps) {
  if (path.empty()) return {};
  const std::size_t start = path_start(words, path);
  std::string text;
  if (!words.is_class(path[start].object)) {
    text = words.label(path[start].object);
    for (const ThreadRow& thread : words.snapshot().threads) {
      if (thread.object == path[start].object) text = "thread " + thread.name;
    }
    if (start + 1 == path.size()) return text;
  }
  std::vector<std::string> parts;
  for (std::size_t at = start; at + 1 < path.size(); ++at) {
    std::string part = step_text(words, path, at, true);
    if (parts.empty() || parts.back() != part) parts.push_back(std::move(part));
  }
  const std::string last = words.label(path.back().object);
  parts.push_back(is_runtime_class(last) ? std::string(short_class_name(last)) : last);
  const std::size_t cut = parts.size() > steps + 1 ? parts.size() - steps - 1 : 0;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (cut > 0 && i >= (steps + 1) / 2 && i < (steps + 1) / 2 + cut) {
      if (i == (steps + 1) / 2) text += std::string(arrow) + '\xE2' + '\x80' + '\xA6';
      continue;
    }
    if (!text.empty()) text += arrow;
    text += parts[i];
  }
  return text;
}

std::string field_text(const ObjectWords& words, const RootPath& path, std::size_t at) {
  while (at > 0 && at < path.size()) {
    const std::string& name = path[at].name;
    const ObjectId owner = path[at - 1].object;
    const bool inside = is_index(name) || name.starts_with('<') ||
                        (!words.is_class(owner) && is_collection_internal(words.class_name(owner)));
    if (!inside) return step_text(words, path, at - 1, true);
    if (name.starts_with('<') && !is_index(name)) return {};
    --at;
  }
  return {};
}

std::string path_signature(const ObjectWords& words, std::string_view kind, const RootPath& path,
                           std::string_view accumulation_class) {
  std::vector<std::string> parts{std::string(kind)};
  const std::size_t start = path.empty() ? 0 : path_start(words, path);
  if (!path.empty()) {
    std::string root = words.is_class(path[start].object) ? "static" : path[start].name;
    if (root.find("+0x") != std::string::npos) root.resize(root.find(' '));  // a place differs from build to build
    parts.push_back(std::move(root));
  }
  for (std::size_t at = start; at + 1 < path.size(); ++at) {
    const ObjectId owner = path[at].object;
    const std::string& of = words.class_name(words.subject(owner));
    if (!words.is_class(owner) && is_collection_internal(of)) continue;
    const std::string& name = path[at + 1].name;
    std::string part = stable_class_name(of) + '.' + (is_element(of, name) ? std::string("[]") : name);
    if (parts.back() != part) parts.push_back(std::move(part));
  }
  parts.push_back(stable_class_name(accumulation_class));
  std::uint64_t hash = 0xCBF2'9CE4'8422'2325u;
  for (const std::string& part : parts) {
    for (const char c : part + '\n') hash = (hash ^ static_cast<unsigned char>(c)) * 0x100'0000'01B3u;
  }
  std::string text;
  for (int shift = 60; shift >= 0; shift -= 4) text += "0123456789abcdef"[(hash >> shift) & 15];
  return text;
}

}  // namespace analyzer
