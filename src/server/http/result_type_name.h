// The names of types that a result may have, ours and those that only expressions give.
#pragma once

#include <string>

namespace arrow {
class DataType;
}  // namespace arrow

namespace varve {

// That of ColumnTypeName where there is one, else "decimal(p,s)", "interval", "t[]", …
std::string ResultTypeName(const arrow::DataType& type);

}  // namespace varve
