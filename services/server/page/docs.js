"use strict";

// Shows the contract, with a form for each operation. The server fills in the
// credentials for Authorize if they are well known.
const docs = document.getElementById("docs");

// The page may have been reached under another name than the one in the contract, for
// example through a proxy. The forms may send only to where the page came from.
function sendHere(contract) {
  const flow = contract.components.securitySchemes.oauth2.flows.clientCredentials;
  flow.tokenUrl = new URL(new URL(flow.tokenUrl).pathname, location.origin).href;
  contract.servers = [{ url: new URL(new URL(contract.servers[0].url).pathname, location.origin).href }];
  return contract;
}

const ui = SwaggerUIBundle({
  url: "/openapi.yaml",
  domNode: docs,
  deepLinking: true,
  tryItOutEnabled: true,
  displayRequestDuration: true,
  defaultModelsExpandDepth: 0,
  validatorUrl: null,
  plugins: [{ statePlugins: { spec: { wrapActions: { updateJsonSpec: (update) => (contract) => update(sendHere(contract)) } } } }],
});

ui.initOAuth({
  appName: "smsqueue",
  clientId: docs.dataset.client,
  clientSecret: docs.dataset.secret,
  scopes: ["sms/send", "sms/read"],
});
