#include "importers/hprof_threads.h"

#include <algorithm>
#include <unordered_map>

namespace importers::hprof {
namespace {

using formats::hprof::HeapTag;
using formats::hprof::RootRecord;
using queries::no_object;
using queries::ObjectId;
using queries::RootKind;
using queries::Snapshot;

RootKind kind_of(HeapTag tag) {
  switch (tag) {
    case HeapTag::root_jni_global: return RootKind::jni_global;
    case HeapTag::root_jni_local: return RootKind::jni_local;
    case HeapTag::root_java_frame: return RootKind::java_frame;
    case HeapTag::root_native_stack: return RootKind::native_stack;
    case HeapTag::root_sticky_class: return RootKind::sticky_class;
    case HeapTag::root_thread_block: return RootKind::thread_block;
    case HeapTag::root_monitor_used: return RootKind::monitor_used;
    case HeapTag::root_thread_object: return RootKind::thread_object;
    case HeapTag::root_interned_string: return RootKind::interned_string;
    case HeapTag::root_finalizing: return RootKind::finalizing;
    case HeapTag::root_debugger: return RootKind::debugger;
    case HeapTag::root_reference_cleanup: return RootKind::reference_cleanup;
    case HeapTag::root_vm_internal: return RootKind::vm_internal;
    case HeapTag::root_jni_monitor: return RootKind::jni_monitor;
    default: return RootKind::unknown;
  }
}

const char* local_name(RootKind kind) {
  switch (kind) {
    case RootKind::java_frame: return "<Java Local>";
    case RootKind::jni_local: return "<JNI Local>";
    case RootKind::native_stack: return "<Native Stack>";
    case RootKind::thread_block: return "<Thread Block>";
    default: return nullptr;  // not a root that a thread holds
  }
}

/// 0 is no object, even where Eclipse MAT's system class loader lies at address 0.
ObjectId object_at(const queries::AddressMap& addresses, RawId id) { return id == 0 ? no_object : addresses.id_of(id); }

/// Thread serial → object. A serial may be declared twice (START_THREAD and thread root): the last that is an object.
std::unordered_map<std::uint32_t, ObjectId> thread_objects(const Catalog& catalog,
                                                           const queries::AddressMap& addresses) {
  std::unordered_map<std::uint32_t, ObjectId> objects;
  for (const ThreadEntry& thread : catalog.threads) {
    const ObjectId object = object_at(addresses, thread.object_id);
    if (object != no_object) objects[thread.serial] = object;
  }
  return objects;
}

std::string pretty_type(const std::string& descriptor, std::size_t& at) {
  std::size_t dimensions = 0;
  while (at < descriptor.size() && descriptor[at] == '[') ++dimensions, ++at;
  std::string name = "?";
  if (at < descriptor.size() && descriptor[at] == 'L') {
    const std::size_t end = std::min(descriptor.find(';', at), descriptor.size());
    name = descriptor.substr(at + 1, end - at - 1);
    if (const std::size_t slash = name.rfind('/'); slash != std::string::npos) name = name.substr(slash + 1);
    at = end + 1;
  } else if (at < descriptor.size()) {
    const std::string array = java_class_name(std::string("[") + descriptor[at]);
    name = array.substr(0, array.size() - 2);
    ++at;
  }
  for (; dimensions > 0; --dimensions) name += "[]";
  return name;
}

/// Frames of every stack that a thread has, as rows; index of a stack's first frame by stack serial.
std::unordered_map<std::uint32_t, std::int64_t> make_frames(const Catalog& catalog,
                                                            const std::vector<std::string>& class_names,
                                                            const std::vector<std::uint32_t>& stacks,
                                                            Snapshot& snapshot) {
  std::unordered_map<std::uint32_t, const formats::hprof::StackTrace*> traces;
  for (const auto& trace : catalog.traces) traces[trace.serial] = &trace;
  std::unordered_map<std::uint32_t, std::int64_t> first_frame;
  const unsigned id_size = catalog.header.id_size;
  TextBudget budget(catalog);
  for (const std::uint32_t stack : stacks) {
    const auto found = traces.find(stack);
    if (found == traces.end() || found->second->count == 0 || first_frame.contains(stack)) continue;
    first_frame[stack] = static_cast<std::int64_t>(snapshot.frames.size());
    for (std::uint32_t depth = 0; depth < found->second->count; ++depth) {
      queries::FrameRow row;
      row.stack = stack;
      row.depth = depth;
      const RawId frame_id = formats::hprof::load_id(&found->second->frame_ids[std::size_t{depth} * id_size], id_size);
      if (const auto frame = catalog.frames.find(frame_id); frame != catalog.frames.end()) {
        const auto owner = catalog.class_by_serial.find(frame->second.class_serial);
        const std::string class_name = owner == catalog.class_by_serial.end() ? "" : class_names[owner->second];
        if (budget.take(class_name.size() + catalog.text_bytes(frame->second.method_name_id) +
                        catalog.text_bytes(frame->second.signature_id))) {
          row.function = method_text(class_name, catalog.text(frame->second.method_name_id),
                                     catalog.text(frame->second.signature_id));
        }
        if (frame->second.source_file_id != 0 && budget.take(catalog.text_bytes(frame->second.source_file_id))) {
          row.file = catalog.text(frame->second.source_file_id);
        }
        row.line = frame->second.line;
      }
      snapshot.frames.push_back(std::move(row));
    }
  }
  return first_frame;
}

}  // namespace

std::string method_text(const std::string& class_name, const std::string& method, const std::string& descriptor) {
  std::string text = class_name.empty() ? method : class_name + "." + method;
  if (descriptor.empty() || descriptor[0] != '(') return text;
  text += '(';
  for (std::size_t at = 1; at < descriptor.size() && descriptor[at] != ')';) {
    if (at > 1) text += ", ";
    text += pretty_type(descriptor, at);
  }
  return text + ')';
}

std::vector<ThreadLocalReference> thread_locals(const Catalog& catalog, Snapshot& snapshot) {
  const auto threads = thread_objects(catalog, snapshot.addresses);
  std::vector<ThreadLocalReference> locals;
  for (const RootRecord& root : catalog.roots) {
    const char* name = local_name(kind_of(root.tag));
    if (name == nullptr || !root.has_thread) continue;
    const auto thread = threads.find(root.thread_serial);
    if (thread != threads.end()) locals.push_back({thread->second, root.id, snapshot.name_id(name)});
  }
  std::stable_sort(locals.begin(), locals.end(),
                   [](const ThreadLocalReference& a, const ThreadLocalReference& b) { return a.thread < b.thread; });
  return locals;
}

void make_roots(const Catalog& catalog, const std::vector<std::string>& class_names, Snapshot& snapshot) {
  const auto objects = thread_objects(catalog, snapshot.addresses);
  std::vector<std::uint32_t> stacks;
  for (const ThreadEntry& thread : catalog.threads) stacks.push_back(thread.stack_serial);
  const auto first_frame = make_frames(catalog, class_names, stacks, snapshot);

  TextBudget budget(catalog);
  std::unordered_map<std::uint32_t, std::int64_t> row_of_serial;
  for (const ThreadEntry& thread : catalog.threads) {
    const auto [row, is_new] =
        row_of_serial.try_emplace(thread.serial, static_cast<std::int64_t>(snapshot.threads.size()));
    if (is_new) snapshot.threads.emplace_back();
    queries::ThreadRow& out = snapshot.threads[static_cast<std::size_t>(row->second)];
    const ObjectId object = object_at(snapshot.addresses, thread.object_id);
    if (object != no_object) out.object = object;
    if (first_frame.contains(thread.stack_serial)) out.stack = thread.stack_serial;
    if (out.name.empty() && thread.name_id != 0 && budget.take(catalog.text_bytes(thread.name_id))) {
      out.name = catalog.text(thread.name_id);
    }
    if (catalog.is_art) out.os_id = thread.serial;  // ART numbers its threads by tid
  }

  bool any_sticky = false;
  for (const RootRecord& record : catalog.roots) {
    any_sticky = any_sticky || record.tag == HeapTag::root_sticky_class;
    queries::RootRow row;
    row.object = object_at(snapshot.addresses, record.id);
    row.kind = kind_of(record.tag);
    const bool held_by_thread =
        local_name(row.kind) != nullptr && record.has_thread && objects.contains(record.thread_serial);
    if (row.object == no_object) {
      if (record.id != 0 && !held_by_thread) ++snapshot.dangling_references;  // else counted as the thread's reference
      continue;
    }
    const auto thread = record.has_thread ? row_of_serial.find(record.thread_serial) : row_of_serial.end();
    if (thread != row_of_serial.end()) {
      row.thread = thread->second;
      const queries::ThreadRow& owner = snapshot.threads[static_cast<std::size_t>(row.thread)];
      if (record.frame != RootRecord::no_frame && owner.stack >= 0) {
        const std::int64_t first = first_frame.at(static_cast<std::uint32_t>(owner.stack));
        const std::int64_t frame = first + record.frame;
        if (frame < static_cast<std::int64_t>(snapshot.frames.size()) &&
            snapshot.frames[static_cast<std::size_t>(frame)].stack == owner.stack) {
          row.frame = frame;
        }
      }
    }
    if (!held_by_thread && record.tag != HeapTag::root_unreachable) snapshot.direct_roots.push_back(row.object);
    snapshot.roots.push_back(row);
  }

  const auto reconstruct = [&](ObjectId object) {
    queries::RootRow row;
    row.object = object;
    row.kind = RootKind::reconstructed;
    snapshot.roots.push_back(row);
    snapshot.direct_roots.push_back(object);
  };
  if (snapshot.roots.empty()) {
    snapshot.roots_reconstructed = true;
    for (const auto& [object, id] : snapshot.class_objects) reconstruct(object);
    const queries::ClassId thread = snapshot.find_class("java.lang.Thread");
    const queries::ClassId loader = snapshot.find_class("java.lang.ClassLoader");
    std::vector<std::uint8_t> is_holder(snapshot.classes.size(), 0);
    for (std::uint32_t i = 0; i < snapshot.classes.size(); ++i) {
      const queries::ClassId id{i};
      is_holder[i] = (thread != queries::no_class && snapshot.derives_from(id, thread)) ||
                     (loader != queries::no_class && snapshot.derives_from(id, loader));
    }
    for (std::uint32_t i = 0; i < snapshot.object_count; ++i) {
      if (is_holder[index(snapshot.class_of[ObjectId{i}])] != 0) reconstruct(ObjectId{i});
    }
  } else if (!any_sticky) {
    // Android and some agents name no system classes: all that the VM's own loader made are held by the VM.
    for (const auto& [object, id] : snapshot.class_objects) {
      const queries::ClassRow& row = snapshot.classes[index(id)];
      const bool own_loader = row.loader == no_object || row.loader == snapshot.addresses.id_of(0);
      if (own_loader && row.kind == queries::ClassKind::instance) reconstruct(object);
    }
  }
  std::sort(snapshot.direct_roots.begin(), snapshot.direct_roots.end());
  snapshot.direct_roots.erase(std::unique(snapshot.direct_roots.begin(), snapshot.direct_roots.end()),
                              snapshot.direct_roots.end());
}

namespace {

/// java.lang.Thread.State by the JVMTI bits of threadStatus (JVM TI specification, GetThreadState).
std::string state_text(std::int64_t status) {
  if ((status & 0x4) != 0) return "RUNNABLE";
  if ((status & 0x400) != 0) return "BLOCKED";
  if ((status & 0x10) != 0) return "WAITING";
  if ((status & 0x20) != 0) return "TIMED_WAITING";
  if ((status & 0x2) != 0) return "TERMINATED";
  return (status & 0x1) == 0 ? "NEW" : "RUNNABLE";
}

}  // namespace

void name_threads(const queries::ObjectDetails& details, Snapshot& snapshot) {
  std::unordered_map<ObjectId, const queries::ThreadRow*> named;  // hostile: many serial numbers of one object
  for (queries::ThreadRow& thread : snapshot.threads) {
    if (thread.object == no_object) continue;
    if (const auto [same, is_new] = named.try_emplace(thread.object, &thread); !is_new) {
      thread.name = same->second->name;
      thread.state = same->second->state;
      continue;
    }
    ObjectId name = no_object;
    bool has_status = false;
    const auto read_status = [&](const queries::FieldValue& field) {
      if (field.name != "threadStatus" || field.type != 'I' || has_status) return;
      has_status = true;
      thread.state = state_text(field.integer);
    };
    for (const queries::FieldValue& field : details.fields(thread.object)) {
      if (field.name == "name" && field.type == 'L' && name == no_object) name = field.target;
      read_status(field);
      if (field.name == "holder" && field.type == 'L' && field.target != no_object) {  // JDK 19+
        for (const queries::FieldValue& inner : details.fields(field.target)) read_status(inner);
      }
    }
    if (name == no_object) continue;
    if (const auto text = details.text(name)) thread.name = *text;
  }
}

}  // namespace importers::hprof
