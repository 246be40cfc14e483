/** EventBridge's resources: buses and rules. */
import type { EventTarget } from '../../services/event-delivery';
import { busNameOf, type EventsService } from '../../services/events';
import type { CreatedResource, ResourceHandlers, ResourceRequest } from '../resource';

interface RuleProperties {
  readonly Name?: string;
  readonly EventBusName?: string;
  readonly State?: string;
  readonly EventPattern?: unknown;
  readonly ScheduleExpression?: string;
  readonly Targets?: readonly EventTarget[];
}

/** Handlers for the types of EventBridge. */
export function eventsResources(events: EventsService): ResourceHandlers {
  return {
    'AWS::Events::EventBus': (request) => {
      const name = String(request.properties['Name'] ?? request.generateName(256));
      events.createBus(name);
      return { ref: name, attributes: { Arn: arnOf(request, `event-bus/${name}`), Name: name } };
    },
    'AWS::Events::Rule': (request) => createRule(request, events),
  };
}

function createRule(request: ResourceRequest, events: EventsService): CreatedResource {
  const properties = request.properties as RuleProperties;
  const name = properties.Name ?? request.generateName(64);
  const busName = busNameOf(properties.EventBusName ?? 'default');
  const path = busName === 'default' ? name : `${busName}/${name}`;
  const arn = arnOf(request, `rule/${path}`);
  events.createRule({
    name,
    arn,
    busName,
    enabled: properties.State !== 'DISABLED',
    targets: properties.Targets ?? [],
    ...(properties.EventPattern !== undefined && { pattern: properties.EventPattern }),
    ...(properties.ScheduleExpression !== undefined && { scheduleExpression: properties.ScheduleExpression }),
  });
  return { ref: busName === 'default' ? name : `${busName}|${name}`, attributes: { Arn: arn } };
}

function arnOf(request: ResourceRequest, resource: string): string {
  return `arn:aws:events:${request.region}:${request.accountId}:${resource}`;
}
