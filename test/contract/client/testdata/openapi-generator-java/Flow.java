import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.time.temporal.ChronoUnit;
import java.util.List;
import org.openapitools.client.ApiClient;
import org.openapitools.client.ApiException;
import org.openapitools.client.api.MessagesApi;
import org.openapitools.client.model.*;

/** Uses a client that openapi-generator made. The arguments are BASE, TOKEN and REFERENCE; the client takes the address from the contract. */
public class Flow {
    static final String NUMBER = "+5511999999999";

    public static void main(String[] args) throws Exception {
        String token = args[1], reference = args[2];
        ApiClient client = new ApiClient();
        client.setReadTimeout(30_000);
        client.addDefaultHeader("Authorization", "Bearer " + token);
        MessagesApi api = new MessagesApi(client);
        OffsetDateTime began = OffsetDateTime.now(ZoneOffset.ofHours(-3)).minusMinutes(1);

        Message sent = api.sendMessage(
            new MessageRequest().phoneNumber(NUMBER).message("Your code is 1234").reference(reference), reference);
        MessageStatus status = sent.getStatus();
        while (status != MessageStatus.DELIVERED) {
            status = api.getMessage(sent.getId(), 20, null).getStatus();
        }

        MessageList page = api.listMessages(null, null, reference, began, OffsetDateTime.now(ZoneOffset.UTC).plusHours(1), null, null);
        check(page.getMessages().size() == 1 && page.getMessages().get(0).getId().equals(sent.getId()), page);
        page = api.listMessages(null, null, reference, null, began, null, null);
        check(page.getMessages().isEmpty(), page);

        OffsetDateTime later = OffsetDateTime.now().plusHours(1).truncatedTo(ChronoUnit.MINUTES);
        Message scheduled = api.sendMessage(new MessageRequest().phoneNumber(NUMBER).message("Later").sendAt(later), null);
        check(scheduled.getStatus() == MessageStatus.SCHEDULED && scheduled.getSendAt().isEqual(later), scheduled);
        check(api.cancelMessage(scheduled.getId()).getStatus() == MessageStatus.CANCELED, scheduled);

        BatchResults batch = api.sendBatch(new BatchRequest().messages(List.of(
            new BatchMessageRequest().phoneNumber(NUMBER).message("Hello"), new BatchMessageRequest().phoneNumber("+1").message("Hello"))));
        check(batch.getResults().get(0).getMessage().getStatus() == MessageStatus.QUEUED, batch);
        check(batch.getResults().get(1).getProblem().getType().equals("urn:smsqueue:problem:invalid-fields"), batch);

        try {
            api.sendMessage(new MessageRequest().phoneNumber("+1").message("Hello"), null);
            throw new IllegalStateException("a message to nobody was accepted");
        } catch (ApiException refused) {
            Problem problem = Problem.fromJson(refused.getResponseBody());
            check(problem.getType().equals("urn:smsqueue:problem:invalid-fields"), problem);
            check(problem.getErrors().get(0).getField().equals("phoneNumber"), problem);
        }
        System.out.println("the flow is done");
        System.exit(0);
    }

    static void check(boolean ok, Object got) {
        if (!ok) throw new IllegalStateException(String.valueOf(got));
    }
}
