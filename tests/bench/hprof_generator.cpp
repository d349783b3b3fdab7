// Writes an HPROF dump of a chosen size without a JDK, for the benchmarks: hprof_generator MILLIONS OUT.hprof
//
// The shape is that of HeapGenerator.java: customers with names, addresses, orders and a map entry (14 objects and 25
// references each), a long list, a tree, rings, equal strings, blobs, weak and soft references, threads with a local
// per frame, and garbage. Every address follows from arithmetic, so that nothing is kept: memory is one segment's
// buffer (1 MiB). The same argument gives the same bytes.
//
// Addresses are laid out as a 64-bit HotSpot with compressed references would: header 12 bytes (arrays 16), references
// 4, fields by size, alignment 8. Specification of the records: formats/hprof.h.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace {

using Address = std::uint64_t;

class SegmentWriter {
 public:
  explicit SegmentWriter(const char* path) : file_(std::fopen(path, "wb")) {
    if (file_ == nullptr) throw std::runtime_error(std::string("cannot write ") + path);
    buffer_.reserve(limit + 4096);
  }
  SegmentWriter(const SegmentWriter&) = delete;
  SegmentWriter& operator=(const SegmentWriter&) = delete;
  ~SegmentWriter() {
    if (file_ != nullptr) std::fclose(file_);
  }

  void u1(unsigned value) { buffer_.push_back(static_cast<char>(value)); }
  void u2(unsigned value) { big_endian(value, 2); }
  void u4(std::uint64_t value) { big_endian(value, 4); }
  void id(Address value) { big_endian(value, 8); }
  void text(const std::string& value) { buffer_ += value; }

  /// Ends a heap sub-record: writes the segment when it has grown enough.
  void end_object() {
    if (buffer_.size() >= limit) end_segment();
  }
  void end_segment() {
    if (buffer_.empty()) return;
    const std::string body = std::move(buffer_);
    buffer_.clear();
    begin_segment(body.size());
    put(body);
  }
  /// Of a segment larger than the buffer: the caller then writes exactly `size` bytes, with `flush` in between.
  void begin_segment(std::uint64_t size) {
    if (size > 0xFFFF'FFFFu) throw std::runtime_error("a segment would be larger than 4 GiB");
    std::string head = {'\x1c', 0, 0, 0, 0};
    for (int shift = 24; shift >= 0; shift -= 8) head.push_back(static_cast<char>(size >> shift));
    put(head);
  }
  void flush() {
    put(buffer_);
    buffer_.clear();
  }
  /// A top-level record other than a segment.
  void record(unsigned tag, const std::string& body) {
    u1(tag);
    u4(0);
    u4(body.size());
    text(body);
    flush();
  }
  void close() {
    end_segment();
    if (std::fclose(std::exchange(file_, nullptr)) != 0) throw std::runtime_error("write failed");
  }
  [[nodiscard]] std::uint64_t bytes() const { return bytes_; }

 private:
  static constexpr std::size_t limit = std::size_t{1} << 20;

  void big_endian(std::uint64_t value, int bytes) {
    for (int shift = (bytes - 1) * 8; shift >= 0; shift -= 8) buffer_.push_back(static_cast<char>(value >> shift));
  }
  void put(const std::string& data) {
    if (std::fwrite(data.data(), 1, data.size(), file_) != data.size()) throw std::runtime_error("write failed");
    bytes_ += data.size();
  }

  std::FILE* file_;
  std::string buffer_;
  std::uint64_t bytes_ = 0;
};

std::string big_endian(std::uint64_t value, int bytes) {
  std::string out;
  for (int shift = (bytes - 1) * 8; shift >= 0; shift -= 8) out.push_back(static_cast<char>(value >> shift));
  return out;
}

struct Field {
  const char* name;
  unsigned type;  // 2 object, 4 boolean, 8 byte, 10 int, 11 long
};

struct ClassDescription {
  const char* name;
  int super;  // index, -1 = none
  unsigned instance_size;
  std::vector<Field> fields;  // its own, not those it inherits
};

enum ClassIndex : int {
  object,
  class_,
  string,
  byte_array,
  int_array,
  object_array,
  node_array,
  map,
  node,
  number,
  integer,
  array_list,
  thread,
  reference,
  weak_reference,
  soft_reference,
  application,
  address,
  customer,
  order,
  tree,
  list_node,
  ring
};

const std::vector<ClassDescription>& classes() {
  static const std::vector<ClassDescription> table = {
      {"java/lang/Object", -1, 0, {}},
      {"java/lang/Class", object, 0, {}},
      {"java/lang/String", object, 14, {{"value", 2}, {"hash", 10}, {"coder", 8}, {"hashIsZero", 4}}},
      {"[B", object, 0, {}},
      {"[I", object, 0, {}},
      {"[Ljava/lang/Object;", object, 0, {}},
      {"[Ljava/util/HashMap$Node;", object_array, 0, {}},
      {"java/util/HashMap", object, 12, {{"table", 2}, {"size", 10}}},
      {"java/util/HashMap$Node", object, 28, {{"hash", 10}, {"key", 2}, {"value", 2}, {"next", 2}}},
      {"java/lang/Number", object, 0, {}},
      {"java/lang/Integer", number, 4, {{"value", 10}}},
      {"java/util/ArrayList", object, 16, {{"modCount", 10}, {"size", 10}, {"elementData", 2}}},
      {"java/lang/Thread", object, 8, {{"name", 2}}},
      {"java/lang/ref/Reference", object, 32, {{"referent", 2}, {"queue", 2}, {"next", 2}, {"discovered", 2}}},
      {"java/lang/ref/WeakReference", reference, 32, {}},
      {"java/lang/ref/SoftReference", reference, 32, {}},
      {"shop/Application", object, 0, {}},
      {"shop/Address", object, 20, {{"street", 2}, {"city", 2}, {"zip", 10}}},
      {"shop/Customer",
       object,
       44,
       {{"id", 10}, {"name", 2}, {"email", 2}, {"country", 2}, {"address", 2}, {"orders", 2}}},
      {"shop/Order",
       object,
       44,
       {{"id", 10}, {"customer", 2}, {"previous", 2}, {"status", 2}, {"address", 2}, {"items", 2}}},
      {"shop/Tree", object, 20, {{"left", 2}, {"right", 2}, {"depth", 10}}},
      {"shop/ListNode", object, 12, {{"next", 2}, {"value", 10}}},
      {"shop/Ring", object, 16, {{"next", 2}, {"owner", 2}}},
  };
  return table;
}

constexpr Address class_base = 0x7'0000'0000;
Address class_address(int index) { return class_base + static_cast<Address>(index) * 128; }

/// Where every family of objects lies, and how many there are.
struct Layout {
  std::uint64_t customers, list_nodes, trees, rings, equal_strings, blobs, references, garbage;
  static constexpr std::uint64_t places = 1000, threads = 32, frames = 60;
  static constexpr Address customer_size = 416, string_size = 56, blob_size = 1016;
  Address place_base, customer_base, list_base, tree_base, ring_base, equal_base, blob_base, reference_base,
      thread_base, garbage_base, map_base, table_base, ring_table, equal_table, blob_table, reference_table;
  std::uint64_t table_slots = 16;

  explicit Layout(std::uint64_t thousands)
      : customers(thousands * 47),
        list_nodes(thousands * 80),
        trees(thousands * 65),
        rings(thousands),
        equal_strings(thousands * 60),
        blobs(thousands * 4),
        references(thousands * 12),
        garbage(thousands * 15) {
    while (table_slots * 3 / 4 < customers) table_slots *= 2;
    Address next = 0x6'0000'0000;
    const auto take = [&next](std::uint64_t count, Address size) {
      const Address base = next;
      next += (count * size + 7) / 8 * 8;
      return base;
    };
    place_base = take(places, string_size);
    customer_base = take(customers, customer_size);
    list_base = take(list_nodes, 24);
    tree_base = take(trees, 24);
    ring_base = take(rings * 10, 24);
    equal_base = take(equal_strings, string_size);
    blob_base = take(blobs, blob_size);
    reference_base = take(references, 32);
    thread_base = take(threads, 16 + string_size + frames * 24);
    garbage_base = take(garbage, 24 + string_size);
    map_base = take(1, 24);
    table_base = take(1, 16 + table_slots * 4);
    ring_table = take(1, 16 + rings * 4);
    equal_table = take(1, 16 + equal_strings * 4);
    blob_table = take(1, 16 + blobs * 4);
    reference_table = take(1, 16 + references * 4);
    if (next >= class_base) throw std::runtime_error("too many objects for the address range");
  }

  [[nodiscard]] Address place(std::uint64_t i) const { return place_base + i % places * string_size; }
  [[nodiscard]] Address customer(std::uint64_t i) const { return customer_base + i * customer_size; }
};

class Generator {
 public:
  Generator(std::uint64_t thousands, const char* path) : layout_(thousands), out_(path) {}

  void run() {
    write_header();
    write_classes();
    write_roots();
    for (std::uint64_t i = 0; i < Layout::places; ++i) write_string(layout_.place(i), fixed("Street ", i));
    for (std::uint64_t i = 0; i < layout_.customers; ++i) write_customer(i);
    write_small_structures();
    write_threads();
    write_garbage();
    write_tables();
    out_.end_segment();
    out_.record(0x2c, "");
    out_.close();
    std::printf("%llu bytes, %llu objects, %llu references\n", static_cast<unsigned long long>(out_.bytes()),
                static_cast<unsigned long long>(objects_), static_cast<unsigned long long>(references_));
  }

 private:
  /// 16 characters: the prefix, zeros, the number.
  static std::string fixed(const char* prefix, std::uint64_t number) {
    std::string digits = std::to_string(number);
    std::string text = prefix;
    text += std::string(16 - text.size() - digits.size(), '0') + digits;
    return text;
  }

  std::uint64_t name_id(const std::string& name) {
    for (std::size_t i = 0; i < names_.size(); ++i)
      if (names_[i] == name) return 1 + i;
    names_.push_back(name);
    out_.record(0x01, big_endian(names_.size(), 8) + name);
    return names_.size();
  }

  void write_header() {
    out_.text(std::string("JAVA PROFILE 1.0.2") + '\0');
    out_.u4(8);
    out_.id(1'700'000'000'000);
    out_.flush();
    for (std::size_t i = 0; i < classes().size(); ++i) {
      const std::uint64_t name = name_id(classes()[i].name);
      for (const Field& field : classes()[i].fields) name_id(field.name);
      out_.record(0x02, big_endian(i + 1, 4) + big_endian(class_address(static_cast<int>(i)), 8) + big_endian(0, 4) +
                            big_endian(name, 8));
    }
    for (const char* name : {"CUSTOMERS", "LIST", "TREE", "RINGS", "STRINGS", "BLOBS", "REFERENCES"}) name_id(name);
    const std::uint64_t method = name_id("park"), signature = name_id("(I)V"), file = name_id("Application.java");
    for (std::uint64_t frame = 0; frame < Layout::frames; ++frame) {
      out_.record(0x04, big_endian(frame + 1, 8) + big_endian(method, 8) + big_endian(signature, 8) +
                            big_endian(file, 8) + big_endian(application + 1, 4) + big_endian(100 + frame, 4));
    }
    std::string frames;
    for (std::uint64_t frame = 0; frame < Layout::frames; ++frame) frames += big_endian(frame + 1, 8);
    for (std::uint64_t thread = 1; thread <= Layout::threads; ++thread) {
      out_.record(0x05, big_endian(thread, 4) + big_endian(thread, 4) + big_endian(Layout::frames, 4) + frames);
    }
  }

  void write_classes() {
    for (std::size_t i = 0; i < classes().size(); ++i) {
      const ClassDescription& description = classes()[i];
      begin(0x20, class_address(static_cast<int>(i)));
      out_.id(description.super < 0 ? 0 : class_address(description.super));
      for (int k = 0; k < 5; ++k) out_.id(0);  // loader, signers, protection domain, reserved twice
      out_.u4(description.instance_size);
      out_.u2(0);  // constant pool
      if (i == application) {
        out_.u2(7);
        write_static("CUSTOMERS", layout_.map_base);
        write_static("LIST", layout_.list_base);
        write_static("TREE", layout_.tree_base);
        write_static("RINGS", layout_.ring_table);
        write_static("STRINGS", layout_.equal_table);
        write_static("BLOBS", layout_.blob_table);
        write_static("REFERENCES", layout_.reference_table);
      } else {
        out_.u2(0);
      }
      out_.u2(static_cast<unsigned>(description.fields.size()));
      for (const Field& field : description.fields) {
        out_.id(name_id(field.name));
        out_.u1(field.type);
      }
      out_.end_object();
    }
  }

  void write_static(const char* name, Address value) {
    out_.id(name_id(name));
    out_.u1(2);
    link(value);
  }

  void write_roots() {
    for (std::size_t i = 0; i < classes().size(); ++i) {
      out_.u1(0x05);  // sticky class
      out_.id(class_address(static_cast<int>(i)));
    }
    for (std::uint64_t thread = 0; thread < Layout::threads; ++thread) {
      out_.u1(0x08);  // thread object: id, thread serial, stack trace serial
      out_.id(thread_address(thread));
      out_.u4(thread + 1);
      out_.u4(thread + 1);
      for (std::uint64_t frame = 0; frame < Layout::frames; ++frame) {
        out_.u1(0x03);  // Java frame: id, thread serial, frame number
        out_.id(local_address(thread, frame));
        out_.u4(thread + 1);
        out_.u4(frame);
      }
    }
  }

  void begin(unsigned tag, Address id) {
    out_.u1(tag);
    out_.id(id);
    out_.u4(0);  // stack trace serial
    ++objects_;
  }
  void begin_instance(Address id, ClassIndex type) {
    begin(0x21, id);
    out_.id(class_address(type));
    out_.u4(classes()[static_cast<std::size_t>(type)].instance_size);
  }
  void link(Address target) {
    out_.id(target);
    references_ += target != 0;
  }

  void write_bytes(Address id, const std::string& content) {
    begin(0x23, id);
    out_.u4(content.size());
    out_.u1(8);
    out_.text(content);
    out_.end_object();
  }
  /// Two objects: the string and its array, 16 characters.
  void write_string(Address id, const std::string& text) {
    begin_instance(id, string);
    link(id + 24);
    out_.u4(0);
    out_.u1(0);
    out_.u1(0);
    write_bytes(id + 24, text);
  }

  void write_customer(std::uint64_t i) {
    const Address self = layout_.customer(i), name = self + 40, place = self + 96, list = self + 120,
                  array = self + 144, orders = self + 176, key = self + 368, entry = self + 384;
    begin_instance(self, customer);
    out_.u4(i);
    link(name);
    link(layout_.place(i * 7));
    link(layout_.place(i % 20));
    link(place);
    link(list);
    write_string(name, fixed("Customer ", i % 10'000'000));
    begin_instance(place, address);
    link(layout_.place(i * 31));
    link(layout_.place(i * 17));
    out_.u4(i % 99999);
    begin_instance(list, array_list);
    out_.u4(3);
    out_.u4(3);
    link(array);
    begin(0x22, array);
    out_.u4(3);
    out_.id(class_address(object_array));
    for (std::uint64_t j = 0; j < 3; ++j) link(orders + j * 64);
    for (std::uint64_t j = 0; j < 3; ++j) {
      const Address bought = orders + j * 64;
      begin_instance(bought, order);
      out_.u4(i * 3 + j);
      link(self);
      link(j == 0 ? 0 : bought - 64);
      link(layout_.place(j));
      link(place);
      link(bought + 40);
      begin(0x23, bought + 40);
      out_.u4(2);
      out_.u1(10);
      out_.u4(i);
      out_.u4(j);
    }
    begin_instance(key, integer);
    out_.u4(i);
    begin_instance(entry, node);
    out_.u4(i);
    link(key);
    link(self);
    link(0);
    out_.end_object();
  }

  void write_small_structures() {
    for (std::uint64_t i = 0; i < layout_.list_nodes; ++i) {
      begin_instance(layout_.list_base + i * 24, list_node);
      link(i + 1 < layout_.list_nodes ? layout_.list_base + (i + 1) * 24 : 0);
      out_.u4(i);
      out_.end_object();
    }
    for (std::uint64_t i = 0; i < layout_.trees; ++i) {  // heap order: children of i are 2i + 1 and 2i + 2
      begin_instance(layout_.tree_base + i * 24, tree);
      for (std::uint64_t child = 2 * i + 1; child <= 2 * i + 2; ++child)
        link(child < layout_.trees ? layout_.tree_base + child * 24 : 0);
      out_.u4(0);
      out_.end_object();
    }
    for (std::uint64_t i = 0; i < layout_.rings * 10; ++i) {
      const Address first = layout_.ring_base + i / 10 * 240;
      begin_instance(layout_.ring_base + i * 24, ring);
      link(i % 10 == 9 ? first : layout_.ring_base + (i + 1) * 24);
      link(first);
      out_.end_object();
    }
    for (std::uint64_t i = 0; i < layout_.equal_strings; ++i)
      write_string(layout_.equal_base + i * Layout::string_size, fixed("equal ", i % 500));
    for (std::uint64_t i = 0; i < layout_.blobs; ++i)
      write_bytes(layout_.blob_base + i * Layout::blob_size, std::string(1000, static_cast<char>(i)));
    for (std::uint64_t i = 0; i < layout_.references; ++i) {
      begin_instance(layout_.reference_base + i * 32, i % 2 == 0 ? weak_reference : soft_reference);
      link(layout_.customer(i % layout_.customers));
      for (int k = 0; k < 3; ++k) link(0);
      out_.end_object();
    }
  }

  static constexpr Address thread_stride = 16 + Layout::string_size + Layout::frames * 24;
  [[nodiscard]] Address thread_address(std::uint64_t thread) const {
    return layout_.thread_base + thread * thread_stride;
  }
  [[nodiscard]] Address local_address(std::uint64_t thread, std::uint64_t frame) const {
    return thread_address(thread) + 16 + Layout::string_size + frame * 24;
  }
  void write_threads() {
    for (std::uint64_t i = 0; i < Layout::threads; ++i) {
      begin_instance(thread_address(i), thread);
      link(thread_address(i) + 16);
      write_string(thread_address(i) + 16, fixed("worker-", i));
      for (std::uint64_t frame = 0; frame < Layout::frames; ++frame) {
        begin(0x22, local_address(i, frame));
        out_.u4(1);
        out_.id(class_address(object_array));
        link(layout_.place(frame));
        out_.end_object();
      }
    }
  }

  void write_garbage() {
    for (std::uint64_t i = 0; i < layout_.garbage; ++i) {
      const Address self = layout_.garbage_base + i * (24 + Layout::string_size);
      begin_instance(self, address);
      link(self + 24);
      link(0);
      out_.u4(i);
      write_string(self + 24, fixed("garbage ", i % 26));
    }
  }

  void write_table(Address id, ClassIndex type, std::uint64_t slots, std::uint64_t used, Address first,
                   Address stride) {
    out_.end_segment();
    out_.begin_segment(25 + slots * 8);
    begin(0x22, id);
    out_.u4(slots);
    out_.id(class_address(type));
    for (std::uint64_t i = 0; i < slots; ++i) {
      link(i < used ? first + i * stride : 0);
      if (i % 65536 == 0) out_.flush();
    }
    out_.flush();
  }
  void write_tables() {
    begin_instance(layout_.map_base, map);
    link(layout_.table_base);
    out_.u4(layout_.customers);
    // An Integer's hash is its value: entry i is alone in slot i.
    write_table(layout_.table_base, node_array, layout_.table_slots, layout_.customers, layout_.customer(0) + 384,
                Layout::customer_size);
    write_table(layout_.ring_table, object_array, layout_.rings, layout_.rings, layout_.ring_base, 240);
    write_table(layout_.equal_table, object_array, layout_.equal_strings, layout_.equal_strings, layout_.equal_base,
                Layout::string_size);
    write_table(layout_.blob_table, object_array, layout_.blobs, layout_.blobs, layout_.blob_base, Layout::blob_size);
    write_table(layout_.reference_table, object_array, layout_.references, layout_.references, layout_.reference_base,
                32);
  }

  Layout layout_;
  SegmentWriter out_;
  std::vector<std::string> names_;
  std::uint64_t objects_ = 0, references_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  const double millions = argc == 3 ? std::strtod(argv[1], nullptr) : 0;
  if (millions < 0.001 || millions > 20) {
    std::fprintf(stderr, "usage: hprof_generator MILLIONS_OF_OBJECTS OUT.hprof    (0.001 to 20)\n");
    return 2;
  }
  try {
    Generator(static_cast<std::uint64_t>(millions * 1000), argv[2]).run();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "hprof_generator: %s\n", error.what());
    return 1;
  }
  return 0;
}
