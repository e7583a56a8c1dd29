"use strict";

// Shows the contract, with a form for each operation. The server fills in the
// credentials for Authorize if they are well known.
const docs = document.getElementById("docs");

const ui = SwaggerUIBundle({
  url: "/openapi.yaml",
  domNode: docs,
  deepLinking: true,
  tryItOutEnabled: true,
  displayRequestDuration: true,
  defaultModelsExpandDepth: 0,
  validatorUrl: null,
});

ui.initOAuth({
  appName: "smsqueue",
  clientId: docs.dataset.client,
  clientSecret: docs.dataset.secret,
  scopes: ["sms/send", "sms/read"],
});
