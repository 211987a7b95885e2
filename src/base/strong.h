// Strong<Tag, T>: a number that does not mix with others of the same representation.
// `using Sequence = Strong<struct SequenceTag, uint64_t>;`
#pragma once

#include <fmt/format.h>

#include <compare>
#include <cstddef>
#include <functional>

namespace varve {

template <class Tag, class T>
class Strong {
 public:
  using ValueType = T;
  constexpr Strong() = default;
  constexpr explicit Strong(T value) : value_(value) {}
  constexpr T value() const { return value_; }
  constexpr auto operator<=>(const Strong&) const = default;

 private:
  T value_{};
};

}  // namespace varve

template <class Tag, class T>
struct std::hash<varve::Strong<Tag, T>> {
  size_t operator()(const varve::Strong<Tag, T>& strong) const {
    return std::hash<T>()(strong.value());
  }
};

template <class Tag, class T>
struct fmt::formatter<varve::Strong<Tag, T>> : fmt::formatter<T> {
  template <class Context>
  auto format(const varve::Strong<Tag, T>& strong, Context& context) const {
    return fmt::formatter<T>::format(strong.value(), context);
  }
};
