// The number that the phone is on: given in the page's address, or typed.

const E164 = /^\+[1-9]\d{6,14}$/;

/** The number in the address, empty without one. */
export function givenNumber() {
  const number = new URLSearchParams(location.search).get("number") ?? "";
  // A plus that was not encoded arrives as a space.
  return number.trim().replace(/^(?=[1-9])/, "+");
}

/** `typed` as E.164, or null when it is not a number with country code. */
export function e164(typed) {
  const number = typed.replace(/[\s().\/-]/g, "").replace(/^00/, "+");
  return E164.test(number) ? number : null;
}

/** Keep the number in the address, so that a reload is the same phone. */
export function keepNumber(number) {
  const url = new URL(location.href);
  url.searchParams.set("number", number);
  history.replaceState(null, "", url);
}
