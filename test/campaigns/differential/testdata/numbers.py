"""Generate phone numbers from the plans of phonenumbers, or check numbers.

numbers.py generate       prints numbers in E.164 form, one a line
numbers.py check          reads numbers, and prints for each one:
                          number, form, valid (1 or 0), type, country
numbers.py parts          reads texts as JSON strings, and prints for each one:
                          encoding, parts
"""

import json
import random
import sys

import phonenumbers
from phonenumbers import PhoneMetadata, PhoneNumberFormat, PhoneNumberType
from smsutil import is_valid_gsm, split

DESCRIPTIONS = (
    "mobile", "fixed_line", "toll_free", "premium_rate", "shared_cost", "personal_number", "voip", "pager", "uan", "voicemail",
)
TYPES = {
    PhoneNumberType.MOBILE: "mobile",
    PhoneNumberType.FIXED_LINE: "fixed-line",
    PhoneNumberType.FIXED_LINE_OR_MOBILE: "fixed-line-or-mobile",
    PhoneNumberType.TOLL_FREE: "toll-free",
    PhoneNumberType.PREMIUM_RATE: "premium-rate",
    PhoneNumberType.SHARED_COST: "shared-cost",
    PhoneNumberType.VOIP: "voip",
    PhoneNumberType.PERSONAL_NUMBER: "personal",
    PhoneNumberType.PAGER: "pager",
    PhoneNumberType.UAN: "company",
    PhoneNumberType.VOICEMAIL: "voicemail",
}


def plans():
    for code, countries in sorted(phonenumbers.COUNTRY_CODE_TO_REGION_CODE.items()):
        for country in countries:
            if country == "001":
                yield code, PhoneMetadata.metadata_for_nongeo_region(code)
            else:
                yield code, PhoneMetadata.metadata_for_region(country)


def generate():
    """Change each digit of each example, and fill each possible length with random digits."""
    random.seed(1)
    numbers = set()
    for code, plan in plans():
        for name in DESCRIPTIONS:
            example = (getattr(plan, name) and getattr(plan, name).example_number) or ""
            for i in range(len(example)):
                for digit in "0123456789":
                    numbers.add(f"+{code}{example[:i]}{digit}{example[i + 1:]}")
        for length in plan.general_desc.possible_length:
            for _ in range(200):
                numbers.add(f"+{code}" + "".join(random.choices("0123456789", k=length)))
    print("\n".join(sorted(numbers)))


def check():
    for line in sys.stdin:
        number = line.strip()
        try:
            n = phonenumbers.parse(number)
        except phonenumbers.NumberParseException:
            print(number, "-", 0, "-", "-")
            continue
        form = phonenumbers.format_number(n, PhoneNumberFormat.E164)
        kind = TYPES.get(phonenumbers.number_type(n), "-")
        country = phonenumbers.region_code_for_number(n) or "-"
        print(number, form, int(phonenumbers.is_valid_number(n)), kind, country)


def parts():
    for line in sys.stdin:
        text = json.loads(line)
        print("GSM-7" if is_valid_gsm(text) else "UCS-2", len(split(text).parts))


{"generate": generate, "check": check, "parts": parts}[sys.argv[1]]()
