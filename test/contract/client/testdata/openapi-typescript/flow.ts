// Uses the types that openapi-typescript made, with openapi-fetch: flow.js BASE TOKEN REFERENCE.
import createClient from "openapi-fetch";
import type { paths, components } from "./smsapi.js";

const [base, token, reference] = process.argv.slice(2);
const number = "+5511999999999";
const hour = 3_600_000;

function check(ok: boolean, got: unknown) {
  if (!ok) throw new Error(JSON.stringify(got));
}

async function run() {
  const api = createClient<paths>({ baseUrl: base + "/v1", headers: { Authorization: "Bearer " + token } });
  const began = new Date(Date.now() - 60_000).toISOString();

  const first: components["schemas"]["MessageRequest"] = { phoneNumber: number, message: "Your code is 1234", reference };
  const sent = await api.POST("/sms", { body: first, params: { header: { "Idempotency-Key": reference } } });
  if (!sent.data) throw new Error(JSON.stringify(sent.error));
  const id = sent.data.id;
  for (let status: components["schemas"]["MessageStatus"] = sent.data.status; status !== "delivered"; ) {
    const got = await api.GET("/sms/{id}", { params: { path: { id }, query: { wait: 20 } } });
    if (!got.data) throw new Error(JSON.stringify(got.error));
    status = got.data.status;
  }

  let page = await api.GET("/sms", { params: { query: { reference, from: began, to: new Date(Date.now() + hour).toISOString() } } });
  check(page.data?.messages.length === 1 && page.data.messages[0].id === id, page);
  page = await api.GET("/sms", { params: { query: { reference, to: began } } });
  check(page.data?.messages.length === 0, page);

  const later = new Date(Date.now() + hour).toISOString();
  const scheduled = await api.POST("/sms", { body: { phoneNumber: number, message: "Later", sendAt: later } });
  check(scheduled.data?.status === "scheduled" && scheduled.data.sendAt === later, scheduled);
  const canceled = await api.POST("/sms/{id}/cancel", { params: { path: { id: scheduled.data!.id } } });
  check(canceled.data?.status === "canceled", canceled);

  const messages = [number, "+1"].map((phoneNumber) => ({ phoneNumber, message: "Hello" }));
  const batch = await api.POST("/sms/batch", { body: { messages } });
  check(batch.data?.results[0].message?.status === "queued", batch);
  check(batch.data?.results[1].problem?.type === "urn:smsqueue:problem:invalid-fields", batch);

  const refused = await api.POST("/sms", { body: { phoneNumber: "+1", message: "Hello" } });
  const problem: components["schemas"]["Problem"] | undefined = refused.error;
  check(problem?.type === "urn:smsqueue:problem:invalid-fields" && problem.errors?.[0].field === "phoneNumber", refused);
  console.log("the flow is done");
}

run().catch((error) => {
  console.error(error);
  process.exit(1);
});
