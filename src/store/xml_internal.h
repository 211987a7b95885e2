// The little XML that object services answer: elements with text, no attributes that matter.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace varve {

// The decoded text of the first element `name`; "" when there is none. What is not well-formed
// yields less, never a fault.
std::string XmlText(std::string_view xml, std::string_view name);
// What lies between the tags of each element `name`, in order. Elements of that name do not nest.
std::vector<std::string_view> XmlElements(std::string_view xml, std::string_view name);
std::string XmlEscape(std::string_view text);

}  // namespace varve
