/*
 * action.c: the actions of OCPP 1.6 and of its security extension, and who
 * may call them.
 */

#include "frame.h"

#define IN  VG_ACTION_IN
#define OUT VG_ACTION_OUT

const vg_action_t vg_actions[VG_ACTIONS] = {
    /* core */
    { "Authorize", IN },
    { "BootNotification", IN | VG_ACTION_BOOT },
    { "DataTransfer", IN | OUT },
    { "Heartbeat", IN },
    { "MeterValues", IN },
    { "StartTransaction", IN },
    { "StatusNotification", IN },
    { "StopTransaction", IN },
    { "ChangeAvailability", OUT },
    { "ChangeConfiguration", OUT },
    { "ClearCache", OUT },
    { "GetConfiguration", OUT },
    { "RemoteStartTransaction", OUT | VG_ACTION_REMOTE },
    { "RemoteStopTransaction", OUT | VG_ACTION_REMOTE },
    { "Reset", OUT },
    { "UnlockConnector", OUT },

    /* firmware, local list, reservation, smart charging, trigger */
    { "DiagnosticsStatusNotification", IN },
    { "FirmwareStatusNotification", IN },
    { "GetDiagnostics", OUT },
    { "UpdateFirmware", OUT },
    { "GetLocalListVersion", OUT },
    { "SendLocalList", OUT },
    { "CancelReservation", OUT },
    { "ReserveNow", OUT },
    { "ClearChargingProfile", OUT },
    { "GetCompositeSchedule", OUT },
    { "SetChargingProfile", OUT },
    { "TriggerMessage", OUT },

    /* security */
    { "LogStatusNotification", IN },
    { "SecurityEventNotification", IN },
    { "SignCertificate", IN },
    { "SignedFirmwareStatusNotification", IN },
    { "CertificateSigned", OUT },
    { "DeleteCertificate", OUT },
    { "ExtendedTriggerMessage", OUT },
    { "GetInstalledCertificateIds", OUT },
    { "GetLog", OUT },
    { "InstallCertificate", OUT },
    { "SignedUpdateFirmware", OUT },
};


const vg_action_t *
vg_action_find(vg_str_t name)
{
    size_t i;

    for (i = 0; i < VG_ACTIONS; i++) {
        if (vg_str_eq(name, vg_actions[i].name)) {
            return &vg_actions[i];
        }
    }
    return NULL;
}
