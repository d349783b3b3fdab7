#include "tests/support/hprof_writer.h"

namespace tests {

using formats::hprof::HeapTag;
using formats::hprof::Tag;

class HprofWriter::Body {
 public:
  explicit Body(unsigned id_size) : id_size_(id_size) {}
  Body& number(std::uint64_t value, unsigned size) {
    for (unsigned shift = size * 8; shift != 0; shift -= 8) bytes_.push_back(static_cast<char>(value >> (shift - 8)));
    return *this;
  }
  Body& u1(std::uint64_t value) { return number(value, 1); }
  Body& u2(std::uint64_t value) { return number(value, 2); }
  Body& u4(std::uint64_t value) { return number(value, 4); }
  Body& u8(std::uint64_t value) { return number(value, 8); }
  Body& id(std::uint64_t value) { return number(value, id_size_); }
  Body& value(Type type, std::uint64_t bits) { return number(bits, size_of(type)); }
  Body& text(std::string_view value) {
    bytes_.append(value);
    return *this;
  }
  [[nodiscard]] unsigned size_of(Type type) const {
    return formats::hprof::size_of(static_cast<std::uint8_t>(type), id_size_);
  }
  [[nodiscard]] const std::string& bytes() const { return bytes_; }

 private:
  unsigned id_size_;
  std::string bytes_;
};

HprofWriter::HprofWriter(unsigned id_size, std::string_view version, std::uint64_t timestamp_ms) : id_size_(id_size) {
  file_.append(version).push_back('\0');
  file_ += Body(id_size).u4(id_size).u8(timestamp_ms).bytes();
}

std::string HprofWriter::bytes() {
  end_segment();
  return file_;
}

// ---- top level ----

void HprofWriter::top_level(std::uint8_t tag, const Body& body) { record(tag, body.bytes()); }

void HprofWriter::record(std::uint8_t tag, std::string_view body) {
  const std::string whole = Body(id_size_).u1(tag).u4(0).u4(body.size()).text(body).bytes();
  if (open_at_ == 0) {
    file_ += whole;
  } else {
    file_.insert(open_at_, whole);
    open_at_ += whole.size();
  }
}

void HprofWriter::raw(std::string_view bytes) {
  end_segment();
  file_.append(bytes);
}

std::uint64_t HprofWriter::string(std::string_view utf8) {
  const auto found = strings_.find(utf8);
  if (found != strings_.end()) return found->second;
  const std::uint64_t id = next_string_;
  next_string_ += 16;
  strings_.emplace(utf8, id);
  string_with_id(id, utf8);
  return id;
}

void HprofWriter::string_with_id(std::uint64_t id, std::string_view utf8) {
  top_level(0x01, Body(id_size_).id(id).text(utf8));
}

std::uint32_t HprofWriter::load_class(std::uint64_t class_id, std::string_view name, std::uint32_t stack_serial) {
  const std::uint64_t name_id = string(name);
  top_level(0x02, Body(id_size_).u4(next_class_serial_).id(class_id).u4(stack_serial).id(name_id));
  return next_class_serial_++;
}

void HprofWriter::unload_class(std::uint32_t class_serial) { top_level(0x03, Body(id_size_).u4(class_serial)); }

std::uint64_t HprofWriter::stack_frame(const Frame& frame) {
  const std::uint64_t method = string(frame.method);
  const std::uint64_t signature = string(frame.signature);
  const std::uint64_t source = frame.source_file.empty() ? 0 : string(frame.source_file);
  const std::uint64_t id = next_string_;
  next_string_ += 16;
  top_level(0x04, Body(id_size_)
                      .id(id)
                      .id(method)
                      .id(signature)
                      .id(source)
                      .u4(frame.class_serial)
                      .u4(static_cast<std::uint32_t>(frame.line)));
  return id;
}

void HprofWriter::stack_trace(std::uint32_t serial, std::uint32_t thread_serial,
                              const std::vector<std::uint64_t>& frame_ids) {
  Body body(id_size_);
  body.u4(serial).u4(thread_serial).u4(frame_ids.size());
  for (const std::uint64_t id : frame_ids) body.id(id);
  top_level(0x05, body);
}

void HprofWriter::start_thread(std::uint32_t thread_serial, std::uint64_t object_id, std::uint32_t stack_serial,
                               std::string_view name, std::string_view group, std::string_view parent_group) {
  Body body(id_size_);
  body.u4(thread_serial).id(object_id).u4(stack_serial).id(string(name)).id(string(group)).id(string(parent_group));
  top_level(0x0a, body);
}

void HprofWriter::end_thread(std::uint32_t thread_serial) { top_level(0x0b, Body(id_size_).u4(thread_serial)); }

void HprofWriter::alloc_sites(const std::vector<formats::hprof::AllocSite>& sites) {
  Body body(id_size_);
  body.u2(0).u4(0).u4(0).u4(0).u8(0).u8(0).u4(sites.size());
  for (const formats::hprof::AllocSite& site : sites) {
    body.u1(site.is_array).u4(site.class_serial).u4(site.stack_serial).u4(site.live_bytes).u4(site.live_instances);
    body.u4(site.allocated_bytes).u4(site.allocated_instances);
  }
  top_level(0x06, body);
}

void HprofWriter::heap_summary(std::uint32_t live_bytes, std::uint32_t live_instances, std::uint64_t allocated_bytes,
                               std::uint64_t allocated_instances) {
  top_level(0x07, Body(id_size_).u4(live_bytes).u4(live_instances).u8(allocated_bytes).u8(allocated_instances));
}

void HprofWriter::cpu_samples(const std::vector<CpuSample>& samples) {
  std::uint64_t total = 0;
  for (const CpuSample& sample : samples) total += sample.count;
  Body body(id_size_);
  body.u4(total).u4(samples.size());
  for (const CpuSample& sample : samples) body.u4(sample.count).u4(sample.stack_serial);
  top_level(0x0d, body);
}

void HprofWriter::control_settings(std::uint32_t flags, std::uint16_t stack_depth) {
  top_level(0x0e, Body(id_size_).u4(flags).u2(stack_depth));
}

// ---- segments ----

void HprofWriter::begin(std::uint8_t tag) {
  end_segment();
  open_at_ = file_.size();
  file_ += Body(id_size_).u1(tag).u4(0).u4(0).bytes();
}

void HprofWriter::open_if_needed() {
  if (open_at_ == 0) begin_segment();
}

void HprofWriter::end_segment() {
  if (open_at_ != 0) end_segment_with_length(static_cast<std::uint32_t>(file_.size() - open_at_ - 9));
}

void HprofWriter::end_segment_with_length(std::uint32_t length) {
  if (open_at_ == 0) return;
  file_.replace(open_at_ + 5, 4, Body(id_size_).u4(length).bytes());
  open_at_ = 0;
}

void HprofWriter::heap_dump_end() {
  end_segment();
  record(0x2c, "");
}

// ---- classes and objects ----

std::uint64_t HprofWriter::allocate(std::uint64_t bytes) {
  const std::uint64_t address = next_address_;
  next_address_ += (bytes + 7) / 8 * 8;
  return address;
}

void HprofWriter::sub_record(std::uint8_t tag, std::string_view body) {
  open_if_needed();
  file_.push_back(static_cast<char>(tag));
  file_.append(body);
}

void HprofWriter::heap(HeapTag tag, const Body& body) { sub_record(static_cast<std::uint8_t>(tag), body.bytes()); }

std::uint64_t HprofWriter::define_class(const Class& definition) {
  const std::uint64_t id = definition.id != 0 ? definition.id : allocate(104);
  if (definition.load_record) load_class(id, definition.name);

  std::vector<Type> layout;
  for (const Field& field : definition.fields) layout.push_back(field.type);
  const auto super = layouts_.find(definition.super);
  if (super != layouts_.end()) layout.insert(layout.end(), super->second.begin(), super->second.end());
  Body body(id_size_);
  std::uint64_t instance_size = 0;
  for (const Type type : layout) instance_size += body.size_of(type);
  if (definition.instance_size >= 0) instance_size = static_cast<std::uint64_t>(definition.instance_size);

  body.id(id).u4(1).id(definition.super).id(definition.loader).id(definition.signers);
  body.id(definition.protection_domain).id(0).id(0).u4(instance_size);
  body.u2(definition.constants.size());
  for (const Constant& constant : definition.constants) {
    body.u2(constant.pool_index).u1(static_cast<std::uint8_t>(constant.type)).value(constant.type, constant.bits);
  }
  body.u2(definition.statics.size());
  for (const Static& field : definition.statics) {
    body.id(string(field.name)).u1(static_cast<std::uint8_t>(field.type)).value(field.type, field.bits);
  }
  body.u2(definition.fields.size());
  for (const Field& field : definition.fields) body.id(string(field.name)).u1(static_cast<std::uint8_t>(field.type));
  layouts_[id] = std::move(layout);
  heap(HeapTag::class_dump, body);
  return id;
}

std::uint64_t HprofWriter::instance(std::uint64_t class_id, const std::vector<std::uint64_t>& values,
                                    std::uint64_t id) {
  Body fields(id_size_);
  std::size_t index = 0;
  for (const Type type : layouts_[class_id]) {
    fields.value(type, index < values.size() ? values[index] : 0);
    ++index;
  }
  return raw_instance(class_id, fields.bytes(), id);
}

std::uint64_t HprofWriter::raw_instance(std::uint64_t class_id, std::string_view field_bytes, std::uint64_t id) {
  if (id == 0) id = allocate(16 + field_bytes.size());
  heap(HeapTag::instance_dump, Body(id_size_).id(id).u4(1).id(class_id).u4(field_bytes.size()).text(field_bytes));
  return id;
}

std::uint64_t HprofWriter::object_array(std::uint64_t class_id, const std::vector<std::uint64_t>& elements,
                                        std::uint64_t id) {
  if (id == 0) id = allocate(16 + elements.size() * id_size_);
  Body body(id_size_);
  body.id(id).u4(1).u4(elements.size()).id(class_id);
  for (const std::uint64_t element : elements) body.id(element);
  heap(HeapTag::object_array_dump, body);
  return id;
}

std::uint64_t HprofWriter::primitive_array(Type type, const std::vector<std::uint64_t>& values, std::uint64_t id) {
  Body body(id_size_);
  if (id == 0) id = allocate(16 + values.size() * body.size_of(type));
  body.id(id).u4(1).u4(values.size()).u1(static_cast<std::uint8_t>(type));
  for (const std::uint64_t value : values) body.value(type, value);
  heap(HeapTag::primitive_array_dump, body);
  return id;
}

std::uint64_t HprofWriter::byte_array(std::string_view bytes, std::uint64_t id) {
  if (id == 0) id = allocate(16 + bytes.size());
  heap(HeapTag::primitive_array_dump, Body(id_size_).id(id).u4(1).u4(bytes.size()).u1(8).text(bytes));
  return id;
}

std::uint64_t HprofWriter::char_array(std::u16string_view text, std::uint64_t id) {
  return primitive_array(Type::character, std::vector<std::uint64_t>(text.begin(), text.end()), id);
}

// ---- roots ----

void HprofWriter::root_jni_global(std::uint64_t id, std::uint64_t jni_reference) {
  heap(HeapTag::root_jni_global, Body(id_size_).id(id).id(jni_reference));
}
void HprofWriter::root_jni_local(std::uint64_t id, std::uint32_t thread_serial, std::uint32_t frame) {
  heap(HeapTag::root_jni_local, Body(id_size_).id(id).u4(thread_serial).u4(frame));
}
void HprofWriter::root_java_frame(std::uint64_t id, std::uint32_t thread_serial, std::uint32_t frame) {
  heap(HeapTag::root_java_frame, Body(id_size_).id(id).u4(thread_serial).u4(frame));
}
void HprofWriter::root_native_stack(std::uint64_t id, std::uint32_t thread_serial) {
  heap(HeapTag::root_native_stack, Body(id_size_).id(id).u4(thread_serial));
}
void HprofWriter::root_sticky_class(std::uint64_t id) { root_art(HeapTag::root_sticky_class, id); }
void HprofWriter::root_thread_block(std::uint64_t id, std::uint32_t thread_serial) {
  heap(HeapTag::root_thread_block, Body(id_size_).id(id).u4(thread_serial));
}
void HprofWriter::root_monitor_used(std::uint64_t id) { root_art(HeapTag::root_monitor_used, id); }
void HprofWriter::root_thread_object(std::uint64_t id, std::uint32_t thread_serial, std::uint32_t stack_serial) {
  heap(HeapTag::root_thread_object, Body(id_size_).id(id).u4(thread_serial).u4(stack_serial));
}
void HprofWriter::root_unknown(std::uint64_t id) { root_art(HeapTag::root_unknown, id); }
void HprofWriter::root_art(HeapTag tag, std::uint64_t id) { heap(tag, Body(id_size_).id(id)); }
void HprofWriter::root_jni_monitor(std::uint64_t id, std::uint32_t thread_serial, std::uint32_t frame) {
  heap(HeapTag::root_jni_monitor, Body(id_size_).id(id).u4(thread_serial).u4(frame));
}

std::uint64_t HprofWriter::primitive_array_nodata(Type type, std::uint32_t length, std::uint64_t id) {
  if (id == 0) id = allocate(16);
  heap(HeapTag::primitive_array_nodata, Body(id_size_).id(id).u4(1).u4(length).u1(static_cast<std::uint8_t>(type)));
  return id;
}

void HprofWriter::heap_dump_info(std::uint32_t heap_type, std::string_view name) {
  const std::uint64_t name_id = string(name);
  heap(HeapTag::heap_dump_info, Body(id_size_).u4(heap_type).id(name_id));
}

}  // namespace tests
