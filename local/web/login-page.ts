/** The form of the local login. It says what it is: nobody should take it for Cognito's. */

const style = `
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; background: Canvas; color: CanvasText }
main { width: min(22rem, calc(100vw - 2rem)) }
h1 { font-size: 1.4rem; margin: 0 0 .25rem }
p { margin: 0 0 1rem }
label { display: block; font-weight: 600; margin: 0 0 1rem }
input { display: block; width: 100%; box-sizing: border-box; font: inherit; padding: .6rem .7rem; margin-top: .25rem; border: 1px solid #767676; border-radius: .5rem }
button { width: 100%; font: inherit; font-weight: 600; padding: .7rem; border: 0; border-radius: .5rem; background: #0b6e63; color: #fff; cursor: pointer }
:focus-visible { outline: 3px solid #4c9aff; outline-offset: 2px }
.error { border-left: 4px solid #c62828; padding: .5rem .75rem; background: #c6282822 }`;

/** The form, with what was wrong the last time. */
export function loginPage({ action, failed, email }: { action: string; failed: boolean; email: string }): string {
  const error = failed ? '<p class="error" role="alert">Incorrect username or password.</p>' : '';
  return page(
    'Sign in',
    `<h1>Sign in</h1><p>A local login stands in for Cognito.</p>${error}
<form method="post" action="${escape(action)}">
<label>Email address<input name="username" type="email" autocomplete="username" required value="${escape(email)}"></label>
<label>Password<input name="password" type="password" autocomplete="current-password" required></label>
<button type="submit">Sign in</button>
</form>`,
  );
}

/** What somebody sees who came with a request that cannot be right. */
export function refusalPage(reason: string): string {
  return page('Something is wrong', `<h1>Something is wrong</h1><p>${escape(reason)}</p>`);
}

function page(title: string, content: string): string {
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>${title}</title><style>${style}</style></head><body><main>${content}</main></body></html>`;
}

function escape(text: string): string {
  return text.replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);
}
