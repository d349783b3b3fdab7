// The fault: an Order with the members in the worst order, a field that never changes, a pointer that is always null, a
// number that needs one byte, a note that is always empty. A Shipment with the same members has none of it. Counts for
// itself what heapql has to find.
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "truth.h"

namespace shop {

struct Order {
  bool is_paid = false;
  double amount = 0;
  std::uint8_t currency = 0;
  std::uint64_t quantity = 0;  // never more than 200
  char status = 'n';
  Order* replaced_by = nullptr;  // never set
  std::uint16_t shop = 7;        // always
  std::string note;              // always empty
  int id = 0;
};

struct Shipment {
  double amount = 0;
  std::uint64_t weight = 0;
  std::uint64_t number = 0;
  int id = 0;
  std::uint16_t shop = 0;
  std::uint8_t currency = 0;
  bool is_paid = false;
};

struct Flags {  // bit-fields with gaps
  unsigned kind : 3;
  unsigned level : 9;
  char code = 0;
  long reference = 0;
  char last = 0;
};

}  // namespace shop

std::vector<std::unique_ptr<shop::Order>> orders;
std::vector<shop::Shipment> shipments;
shop::Flags* flags = nullptr;

namespace {

template <typename T>
bool straddles(const T& object) {
  const auto at = reinterpret_cast<std::uintptr_t>(&object);
  const std::uintptr_t lines = (at + sizeof(T) - 1) / 64 - at / 64 + 1;
  return lines > (sizeof(T) + 63) / 64;
}

}  // namespace

int main() {
  constexpr std::size_t order_count = 3000;
  constexpr std::size_t shipment_count = 5000;
  std::size_t straddling_orders = 0;
  std::size_t straddling_shipments = 0;
  for (std::size_t i = 0; i < order_count; ++i) {
    auto order = std::make_unique<shop::Order>();
    order->is_paid = i % 2 == 0;
    order->amount = static_cast<double>(i) + 0.25;
    order->currency = static_cast<std::uint8_t>(i % 5);
    order->quantity = i % 200 + 1;
    order->id = static_cast<int>(i) + 1;
    orders.push_back(std::move(order));
  }
  shipments.resize(shipment_count);
  for (std::size_t i = 0; i < shipment_count; ++i) {
    shipments[i].amount = static_cast<double>(i) + 0.5;
    shipments[i].weight = i * 1'000'003'000;
    shipments[i].number = ~std::uint64_t{0} - i;
    shipments[i].id = -static_cast<int>(i);
    shipments[i].shop = static_cast<std::uint16_t>(i * 13);
    shipments[i].currency = static_cast<std::uint8_t>(i);
    shipments[i].is_paid = i % 3 == 0;
  }
  flags = new shop::Flags();
  flags->kind = 5;
  for (const auto& order : orders) straddling_orders += straddles(*order) ? 1 : 0;
  for (const auto& shipment : shipments) straddling_shipments += straddles(shipment) ? 1 : 0;

  using Worst = shop::Order;
  truth::say("order_count", order_count);
  truth::say("order_size", sizeof(Worst));
  truth::say("order_waste", order_count * (sizeof(Worst) - (1 + 8 + 1 + 8 + 1 + 8 + 2 + sizeof(std::string) + 4)));
  truth::say("order_best_size", std::size_t{72});  // 32 + 3 · 8 + 4 + 2 + 3 · 1 = 65
  truth::say("order_straddling", straddling_orders);
  truth::say("shipment_count", shipment_count);
  truth::say("shipment_waste", std::size_t{0});
  truth::say("shipment_straddling", straddling_shipments);
  truth::say("leaked_blocks", std::size_t{0});
  truth::say("leak_heads", std::size_t{0});
  truth::say("leak_cycles", std::size_t{0});
  truth::ready();
}
