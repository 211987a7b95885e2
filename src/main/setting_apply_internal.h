// How the `apply` of a Setting is made, for the files that list settings.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "main/server_settings.h"

namespace varve {

template <class Field, class Parse>
Status AssignOne(Field& field, std::span<const std::string> values, Parse parse) {
  if (values.size() != 1) {
    return InvalidArgument("one value is expected, not {}", values.size());
  }
  VARVE_ASSIGN(field, parse(values.front()));
  return {};
}

// Parses the one value, `text`, and puts it into a field.
#define VARVE_APPLY(field, parse)                                                        \
  [](ServerConfig& config, std::span<const std::string> values) {                        \
    return AssignOne(config.field, values, [](std::string_view text) { return parse; }); \
  }

// Limiter, log of statements, time-outs, routing: operation_settings.cc.
std::vector<Setting> OperationSettings();

}  // namespace varve
