"""The sinks of single clicks that the settings name."""

from clicks.sinks.contract import EventSink
from clicks.stores.events_opening import event_sink
from shortlink.clock import Clock
from shortlink.datadir import DataFolder
from shortlink.settings import Settings


def event_sinks(settings: Settings, folder: DataFolder, clock: Clock) -> list[EventSink]:
    """Not yet opened; drivers are imported only where they are used."""
    sinks: list[EventSink] = []
    if settings.kafka_bootstrap_servers:
        from clicks.sinks.kafka import KafkaSink
        from clicks.sinks.kafka_client import KafkaClients

        sinks.append(
            KafkaSink(
                KafkaClients(settings),
                topic=settings.kafka_topic,
                partitions=settings.kafka_partitions,
                node=folder.node_id(),
                clock=clock,
            )
        )
    if (store := event_sink(settings, folder, clock)) is not None:
        sinks.append(store)
    return sinks
