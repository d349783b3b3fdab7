// How suspects speak of objects: class names, whose code a class is, what on a path is only the inside of a collection,
// and the short path that a person would name ("static com.acme.Registry.sessions → HashMap.table").
#pragma once

#include <string>
#include <string_view>

#include "analyzer/suspects/root_paths.h"
#include "queries/heap_graph.h"
#include "queries/snapshot.h"

namespace analyzer {

class ObjectWords {
 public:
  ObjectWords(const queries::Snapshot& snapshot, const queries::HeapGraph& graph)
      : snapshot_(snapshot), graph_(graph) {}

  [[nodiscard]] const std::string& class_name(queries::ClassId id) const { return snapshot_.classes[index(id)].name; }
  [[nodiscard]] const std::string& class_name(queries::ObjectId id) const { return class_name(graph_.class_of(id)); }
  /// "class com.acme.Foo" of a class object, else the name of the object's class.
  [[nodiscard]] std::string label(queries::ObjectId id) const;
  /// The class or one of its supers has this name.
  [[nodiscard]] bool is_a(queries::ObjectId id, std::string_view name) const;
  [[nodiscard]] bool is_class(queries::ObjectId id) const { return snapshot_.is_class_object(id); }
  /// The class a class object stands for, else the object's own.
  [[nodiscard]] queries::ClassId subject(queries::ObjectId id) const;
  /// Loader of the subject; no_object = the VM's own.
  [[nodiscard]] queries::ObjectId loader_of(queries::ObjectId id) const;
  /// ", loaded by the system class loader," or ", loaded by com.acme.PluginLoader,"; "" where types have no loader.
  [[nodiscard]] std::string loaded_by(queries::ClassId id) const;
  /// A class loader that is not one of the runtime's own three.
  [[nodiscard]] bool is_custom_loader(queries::ObjectId id) const;
  [[nodiscard]] const queries::Snapshot& snapshot() const { return snapshot_; }
  [[nodiscard]] const queries::HeapGraph& graph() const { return graph_; }

 private:
  const queries::Snapshot& snapshot_;
  const queries::HeapGraph& graph_;
};

/// java.*, javax.*, jdk.*, sun.*, com.sun.* and arrays of them and of primitives: not the code that has the fault.
[[nodiscard]] bool is_runtime_class(std::string_view name);
/// "HashMap$Node" of "java.util.HashMap$Node".
[[nodiscard]] std::string_view short_class_name(std::string_view name);
/// Numbers of lambdas, proxies and generated accessors, which differ from run to run, become '*'.
[[nodiscard]] std::string stable_class_name(std::string_view name);
/// One of the words is part of the text, letter case aside.
[[nodiscard]] bool has_word(std::string_view text, std::initializer_list<std::string_view> words);

/// First step of the path that a person would name: the last class object whose static field leads on, else the start.
[[nodiscard]] std::size_t path_start(const ObjectWords& words, const RootPath& path);
/// "static com.acme.Registry.sessions → HashMap.table → HashMap$Node[]", at most `steps` arrows.
[[nodiscard]] std::string short_path(const ObjectWords& words, const RootPath& path, std::size_t steps = 5);
/// The field that leads to step `at` as its owner writes it: "static com.acme.Registry.sessions", "Foo.cache";
/// array slots and collection nodes are passed over towards the root. "" when there is none.
[[nodiscard]] std::string field_text(const ObjectWords& words, const RootPath& path, std::size_t at);
/// Stable across dumps: kind, root kind, class.field chain with collection internals and indices folded, class of the
/// accumulation point. 16 hexadecimal digits, FNV-1a.
[[nodiscard]] std::string path_signature(const ObjectWords& words, std::string_view kind, const RootPath& path,
                                         std::string_view accumulation_class);

}  // namespace analyzer
