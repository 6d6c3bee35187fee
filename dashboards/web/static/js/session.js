// When the session is over, the server sends pages to the login; a page that is open follows.

export function followLogin(answer) {
  if (answer.redirected && new URL(answer.url).pathname === "/login") location.reload();
}

// For answers that are no pages, and so say only that they were refused.
export async function askForPage() {
  followLogin(await fetch(location.href, { headers: { Accept: "text/html" } }));
}
