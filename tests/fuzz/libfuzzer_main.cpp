// libFuzzer's entry: the input copied into a block of its exact size.
#include <cstdint>
#include <cstring>
#include <memory>

#include "tests/fuzz/fuzz_target.h"

extern "C" __attribute__((visibility("default"))) int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                                                             std::size_t size) {
  const std::unique_ptr<std::byte[]> exact(new std::byte[size]);
  if (size != 0) std::memcpy(exact.get(), data, size);
  fuzz({exact.get(), size});
  return 0;
}
