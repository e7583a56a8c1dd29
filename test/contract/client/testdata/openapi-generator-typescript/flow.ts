// Uses a client that openapi-generator made: flow.js BASE TOKEN REFERENCE.
// The client takes the server's address from the contract.
import { Configuration, MessagesApi, MessageStatus, ProblemFromJSON, ResponseError } from "./smsapi/index";

const [, token, reference] = process.argv.slice(2);
const number = "+5511999999999";
const hour = 3_600_000;

function check(ok: boolean, got: unknown) {
  if (!ok) throw new Error(JSON.stringify(got));
}

async function run() {
  const api = new MessagesApi(new Configuration({ accessToken: async () => "Bearer " + token }));
  const began = new Date(Date.now() - 60_000);

  const sent = await api.sendMessage({
    messageRequest: { phoneNumber: number, message: "Your code is 1234", reference },
    idempotencyKey: reference,
  });
  let status: MessageStatus = sent.status;
  while (status !== MessageStatus.Delivered) status = (await api.getMessage({ id: sent.id, wait: 20 })).status;

  let page = await api.listMessages({ reference, from: began, to: new Date(Date.now() + hour) });
  check(page.messages.length === 1 && page.messages[0].id === sent.id, page);
  page = await api.listMessages({ reference, to: began });
  check(page.messages.length === 0, page);

  const later = new Date(Date.now() + hour);
  const scheduled = await api.sendMessage({ messageRequest: { phoneNumber: number, message: "Later", sendAt: later } });
  check(scheduled.status === MessageStatus.Scheduled && scheduled.sendAt?.getTime() === later.getTime(), scheduled);
  check((await api.cancelMessage({ id: scheduled.id })).status === MessageStatus.Canceled, scheduled);

  const messages = [number, "+1"].map((phoneNumber) => ({ phoneNumber, message: "Hello" }));
  const batch = await api.sendBatch({ batchRequest: { messages } });
  check(batch.results[0].message?.status === MessageStatus.Queued, batch);
  check(batch.results[1].problem?.type === "urn:smsqueue:problem:invalid-fields", batch);

  let refused: unknown;
  await api.sendMessage({ messageRequest: { phoneNumber: "+1", message: "Hello" } }).catch((error) => (refused = error));
  if (!(refused instanceof ResponseError)) throw new Error("a message to nobody was accepted");
  const problem = ProblemFromJSON(await refused.response.json());
  check(problem.type === "urn:smsqueue:problem:invalid-fields" && problem.errors?.[0].field === "phoneNumber", problem);
  console.log("the flow is done");
}

run().catch((error) => {
  console.error(error);
  process.exit(1);
});
