// Checks phone numbers (with the argument check) or texts (with the argument parts) from the
// standard input, one a line. It prints the same as numbers.py.
const lines = require("fs").readFileSync(0, "utf8").split("\n").slice(0, -1);

// The library's names of types, in our words.
const types = {
  MOBILE: "mobile", FIXED_LINE: "fixed-line", FIXED_LINE_OR_MOBILE: "fixed-line-or-mobile", TOLL_FREE: "toll-free",
  PREMIUM_RATE: "premium-rate", SHARED_COST: "shared-cost", VOIP: "voip", PERSONAL_NUMBER: "personal", PAGER: "pager",
  UAN: "company", VOICEMAIL: "voicemail",
};

function check() {
  const { parsePhoneNumberFromString } = require("libphonenumber-js/max");
  return lines.map((number) => {
    const n = parsePhoneNumberFromString(number);
    if (!n) return `${number} - 0 - -`;
    return [number, n.number, n.isValid() ? 1 : 0, types[n.getType()] || "-", n.country || n.isValid() && "001" || "-"].join(" ");
  });
}

function parts() {
  const { SegmentedMessage } = require("sms-segments-calculator");
  return lines.map((line) => {
    const message = new SegmentedMessage(JSON.parse(line), "auto", false);
    return `${message.getEncodingName()} ${message.segmentsCount}`;
  });
}

console.log({ check, parts }[process.argv.at(-1)]().join("\n"));
