#include "query/name_mapping.h"

#include <unordered_map>

namespace varve {
namespace {

constexpr char kMark = '\x01';  // CheckIdentifier allows no control characters

// As DuckDB folds: ASCII only.
std::string Fold(std::string_view name) {
  std::string folded(name);
  for (char& c : folded) {
    if (c >= 'A' && c <= 'Z') {
      c = static_cast<char>(c - 'A' + 'a');
    }
  }
  return folded;
}

}  // namespace

void NameMapping::Add(const TableSchema& schema) {
  std::unordered_map<std::string, size_t> spellings;
  spellings.reserve(schema.columns().size());
  for (const ColumnSchema& column : schema.columns()) {
    const size_t earlier = spellings[Fold(column.name)]++;
    if (earlier > 0) {
      suffixed_.try_emplace(column.name,
                            fmt::format("{}{}{}", column.name, kMark, suffixed_.size()));
    }
  }
}

std::string NameMapping::ToDuckDb(std::string_view name) const {
  const auto found = suffixed_.find(name);
  return found == suffixed_.end() ? std::string(name) : found->second;
}

std::string NameMapping::FromDuckDb(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != kMark) {
      out.push_back(text[i]);
      continue;
    }
    while (i + 1 < text.size() && text[i + 1] >= '0' && text[i + 1] <= '9') {
      ++i;
    }
    // In expressions DuckDB quotes such a name only because of the mark.
    const size_t quote = out.rfind('"');
    if (i + 1 < text.size() && text[i + 1] == '"' && quote != std::string::npos) {
      out.erase(quote, 1);
      ++i;
    }
  }
  return out;
}

}  // namespace varve
