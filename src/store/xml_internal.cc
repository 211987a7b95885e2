#include "store/xml_internal.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

namespace varve {
namespace {

struct Entity {
  std::string_view name;
  char character;
};
constexpr std::array kEntities = {Entity{"amp", '&'}, Entity{"lt", '<'}, Entity{"gt", '>'},
                                  Entity{"quot", '"'}, Entity{"apos", '\''}};

void AppendUtf8(std::string& out, uint32_t code) {
  if (code < 0x80) {
    out += static_cast<char>(code);
  } else if (code < 0x800) {
    out += {static_cast<char>(0xc0 | (code >> 6)), static_cast<char>(0x80 | (code & 0x3f))};
  } else if (code < 0x10000) {
    out += {static_cast<char>(0xe0 | (code >> 12)), static_cast<char>(0x80 | ((code >> 6) & 0x3f)),
            static_cast<char>(0x80 | (code & 0x3f))};
  } else {
    out +=
        {static_cast<char>(0xf0 | (code >> 18)), static_cast<char>(0x80 | ((code >> 12) & 0x3f)),
         static_cast<char>(0x80 | ((code >> 6) & 0x3f)), static_cast<char>(0x80 | (code & 0x3f))};
  }
}

// "#38", "#x26".
std::optional<uint32_t> NumberOf(std::string_view name) {
  if (!name.starts_with('#')) {
    return std::nullopt;
  }
  const bool hexadecimal = name.starts_with("#x");
  name.remove_prefix(hexadecimal ? 2 : 1);
  uint32_t code = 0;
  const auto [end, error] =
      std::from_chars(name.data(), name.data() + name.size(), code, hexadecimal ? 16 : 10);
  constexpr uint32_t kCodePointMax = 0x10ffff;
  if (error != std::errc() || end != name.data() + name.size() || code > kCodePointMax) {
    return std::nullopt;
  }
  return code;
}

std::string Unescape(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const size_t ampersand = text.find('&');
    out.append(text.substr(0, ampersand));
    if (ampersand == std::string_view::npos) {
      break;
    }
    text.remove_prefix(ampersand);
    const size_t end = text.find(';');
    const std::string_view name =
        end == std::string_view::npos ? std::string_view() : text.substr(1, end - 1);
    const auto* known = std::ranges::find(kEntities, name, &Entity::name);
    if (known != kEntities.end()) {
      out += known->character;
    } else if (const std::optional<uint32_t> code = NumberOf(name)) {
      AppendUtf8(out, *code);
    } else {  // not an entity: as it stands
      out += '&';
      text.remove_prefix(1);
      continue;
    }
    text.remove_prefix(end + 1);
  }
  return out;
}

struct Found {
  std::string_view inner;
  size_t end;  // after the closing tag
};

std::optional<Found> FindElement(std::string_view xml, std::string_view name, size_t from) {
  const std::string open = fmt::format("<{}", name);
  const std::string close = fmt::format("</{}>", name);
  for (size_t at = xml.find(open, from); at != std::string_view::npos;
       at = xml.find(open, at + 1)) {
    const size_t after_name = at + open.size();
    const size_t tag_end = xml.find('>', after_name);
    if (tag_end == std::string_view::npos) {
      return std::nullopt;
    }
    const char next = xml[after_name];
    if (next != '>' && next != '/' && next != ' ') {
      continue;  // a longer name
    }
    if (xml[tag_end - 1] == '/') {
      return Found{{}, tag_end + 1};
    }
    const size_t inner_end = xml.find(close, tag_end);
    if (inner_end == std::string_view::npos) {
      return std::nullopt;
    }
    return Found{xml.substr(tag_end + 1, inner_end - tag_end - 1), inner_end + close.size()};
  }
  return std::nullopt;
}

}  // namespace

std::string XmlText(std::string_view xml, std::string_view name) {
  const std::optional<Found> found = FindElement(xml, name, 0);
  return found ? Unescape(found->inner) : "";
}

std::vector<std::string_view> XmlElements(std::string_view xml, std::string_view name) {
  std::vector<std::string_view> out;
  size_t from = 0;
  while (const std::optional<Found> found = FindElement(xml, name, from)) {
    out.push_back(found->inner);
    from = found->end;
  }
  return out;
}

std::string XmlEscape(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const auto* known = std::ranges::find(kEntities, c, &Entity::character);
    if (known == kEntities.end()) {
      out += c;
    } else {
      out += fmt::format("&{};", known->name);
    }
  }
  return out;
}

}  // namespace varve
