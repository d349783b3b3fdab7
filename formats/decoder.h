// A compressed file, inflated piece by piece from its beginning: what zstd, lz4 and bzip2 have in common. Streams back
// to back are read through. A stream that breaks off or is corrupt keeps what it gave; the compressed bytes from there
// on are damage.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "formats/bytes.h"
#include "formats/damage_log.h"

namespace formats {

class Decoder {
 public:
  Decoder(const Decoder&) = delete;
  Decoder& operator=(const Decoder&) = delete;
  virtual ~Decoder() = default;

  /// Fills `room` as far as the file goes; the bytes written. Less than `room` = nothing follows, and if the stream
  /// broke off, that is in the damage log.
  [[nodiscard]] std::size_t read(std::span<std::byte> room);
  [[nodiscard]] std::uint64_t used() const { return used_; }  ///< compressed bytes so far
  [[nodiscard]] std::uint64_t file_size() const { return file_.size(); }

 protected:
  /// `name` is the compression's, for the damage log. Borrows all of them.
  Decoder(std::string_view name, Bytes file, DamageLog& damage) : name_(name), file_(file), damage_(damage) {}

  struct Step {
    std::size_t used = 0;     ///< of the compressed bytes
    std::size_t written = 0;  ///< into the room
    bool at_end = false;      ///< of a stream; another may follow
    std::string_view error;   ///< "" = none
  };
  /// Inflates some of `stored` into `room`. Neither used nor written anything = needs more than there is.
  virtual Step step(Bytes stored, std::span<std::byte> room) = 0;

 private:
  void fail(std::string what);

  std::string_view name_;
  Bytes file_;
  DamageLog& damage_;
  std::uint64_t used_ = 0;
  std::uint64_t written_ = 0;
  bool done_ = false;
};

/// How a compression is told and undone. `source` is the input's name, for messages.
struct Compression {
  std::string_view name;  ///< "zstd"
  bool (*looks_like)(Bytes head);
  std::unique_ptr<Decoder> (*decoder)(Bytes file, const std::string& source, DamageLog& damage);
};

/// The compression of a file that starts with `head`, or nullptr. gzip is not among them: it inflates on several
/// threads and finds the next member behind a broken one (gzip.h).
[[nodiscard]] const Compression* find_compression(Bytes head);

}  // namespace formats
